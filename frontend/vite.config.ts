import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';
import { compression } from 'vite-plugin-compression2';

const SERVER = process.env.KARANA ?? 'http://127.0.0.1:8000';

export default defineConfig({
    plugins: [react(), compression({ algorithms: ['brotliCompress'], include: /\.(js|css|svg)$/, threshold: 1024 })],
    // The server puts the nonce of each answer in its place: see src/http/page.rs.
    html: { cspNonce: 'NONCE-OF-THE-ANSWER' },
    build: {
        target: 'es2021',
        assetsInlineLimit: 0,
        // In kB, unpacked; what counts is the first load on the wire, 400 kB at most.
        chunkSizeWarningLimit: 1000,
        // Its modules import each other: torn apart they could run in the wrong order.
        rollupOptions: {
            output: { manualChunks: id => (id.includes('/node_modules/ra-core/') ? 'core' : undefined) },
        },
    },
    // With `cargo run` beside it.
    server: { proxy: { '/v2': SERVER, '/openapi.json': SERVER, '/docs': SERVER, '/health': SERVER } },
});
