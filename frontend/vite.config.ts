import react from '@vitejs/plugin-react';
import { type Plugin, defineConfig } from 'vite';
import { compression } from 'vite-plugin-compression2';

const SERVER = process.env.KARANA ?? 'http://127.0.0.1:8000';

// The first script is small and asks for the rest: that is named in the page, so that both come at a time.
const preloadRest: Plugin = {
    name: 'preload-rest',
    transformIndexHtml: {
        order: 'post',
        handler(_, { bundle = {} }) {
            const files = new Set<string>();
            const add = (file: string) => {
                const chunk = bundle[file];
                if (files.has(file) || chunk?.type !== 'chunk' || chunk.name === 'start') return;
                files.add(file);
                chunk.imports.forEach(add);
            };
            const rest = Object.values(bundle).find(chunk => chunk.type === 'chunk' && chunk.name === 'main');
            if (rest !== undefined) add(rest.fileName);
            return [...files].map(file => ({
                tag: 'link', attrs: { rel: 'modulepreload', crossorigin: true, href: `/${file}` }, injectTo: 'head' as const,
            }));
        },
    },
};

export default defineConfig({
    plugins: [react(), preloadRest, compression({ algorithms: ['brotliCompress'], include: /\.(js|css|svg)$/, threshold: 1024 })],
    // The server puts the nonce of each answer in its place: see src/http/page.rs.
    html: { cspNonce: 'NONCE-OF-THE-ANSWER' },
    build: {
        target: 'es2021',
        assetsInlineLimit: 0,
        // In kB, unpacked; what counts is the first load on the wire, 400 kB at most.
        chunkSizeWarningLimit: 1000,
        // Its modules import each other: torn apart they could run in the wrong order.
        rollupOptions: {
            input: { start: 'index.html', worker: 'worker/worker.ts' },
            output: {
                manualChunks: id => (id.includes('/node_modules/ra-core/') ? 'core' : undefined),
                // A worker's address is always the same.
                entryFileNames: ({ name }) => (name === 'worker' ? 'worker.js' : 'assets/[name]-[hash].js'),
            },
        },
    },
    // With `cargo run` beside it.
    server: { proxy: { '/v2': SERVER, '/openapi.json': SERVER, '/docs': SERVER, '/health': SERVER } },
});
