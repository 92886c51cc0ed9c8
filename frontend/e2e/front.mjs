// What stands between the browser and a server, as after an update: the same program with other files of the page, or without.
import { createServer, request } from 'node:http';

const FILE = /(\/assets\/|\.\/|")([\w.-]+-[\w-]{8})\.(js|css|svg)/g;
// No hash of a file ends so.
const OTHER = '-of-another-build';

export class Front {
    /** `old`: the page as it is; `new`: one whose files all have other names; `none`: a program without its page. */
    page = 'old';
    /** Files that nobody has. */
    missing = /^$/;

    constructor(server) {
        this.server = server;
    }

    async start() {
        this.listener = createServer((asked, answer) => void this.pass(asked, answer));
        await new Promise(resolve => this.listener.listen(0, '127.0.0.1', resolve));
        this.address = `http://127.0.0.1:${this.listener.address().port}`;
        return this;
    }

    end() {
        this.listener.closeAllConnections();
        this.listener.close();
    }

    pass(asked, answer) {
        const path = asked.url.split('?')[0];
        const isFile = path.startsWith('/assets/');
        const isOther = new RegExp(`${OTHER}\\.\\w+$`).test(path);
        const isGone = isFile && (this.missing.test(path) || isOther !== (this.page === 'new'));
        const isNone = this.page === 'none';
        if (isGone || (isNone && (isFile || path === '/worker.js'))) return void answer.writeHead(404).end();
        if (isNone && path === '/') return void answer.setHeader('content-type', 'text/html').end('<h1>Unbuilt</h1>');
        const isText = isFile || path === '/';
        const headers = { ...asked.headers, ...(isText ? { 'accept-encoding': 'identity' } : {}) };
        const to = isFile && isOther ? asked.url.replace(new RegExp(`${OTHER}(\\.\\w+)$`), '$1') : asked.url;
        const passed = request(this.server.address + to, { method: asked.method, headers }, got => {
            if (!isText || this.page !== 'new') {
                answer.writeHead(got.statusCode, got.headers);
                return void got.pipe(answer);
            }
            const parts = [];
            got.on('data', part => parts.push(part));
            got.on('end', () => {
                const text = Buffer.concat(parts).toString().replace(FILE, `$1$2${OTHER}.$3`);
                const { 'content-length': _, ...kept } = got.headers;
                answer.writeHead(got.statusCode, kept).end(text);
            });
        });
        // As a proxy says it of a server that is away.
        passed.on('error', () => answer.writeHead(502, { 'content-type': 'text/html' }).end());
        asked.on('close', () => asked.complete || passed.destroy());
        answer.on('close', () => passed.destroy());
        asked.pipe(passed);
    }
}
