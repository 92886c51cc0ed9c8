// What the tests in a browser stand on: a server in a folder of its own, a browser, and who uses it.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { chromium } from 'playwright-core';

/** The folder of pictures, if they are wanted. */
export const PICTURES = process.env.PICTURES;
export const influxdb = JSON.parse(process.env.INFLUXDB);
const grafana = JSON.parse(process.env.GRAFANA);

const section = (name, values) => `[${name}]\n${Object.entries(values).map(([key, value]) => `${key} = ${value}\n`).join('')}`;

/** A server; `stop` and `start` as often as wanted, at the same address. */
export class Server {
    constructor(more = '') {
        this.folder = mkdtempSync(join(tmpdir(), 'karana-page-'));
        this.more = more;
        this.port = 0;
        mkdirSync(join(this.folder, 'storage'));
    }

    async start() {
        const settings = [
            section('api', { mode: 'test', listen: `127.0.0.1:${this.port}` }),
            section('tenant', { id: 'BINTUMANI', name: 'Bintumani e.V.' }),
            section('auth', { hash_rounds: 1000, ...this.auth }),
            section('influxdb', influxdb),
            section('grafana', grafana),
            section('resources', { enabled: 'users, karanas, maintenances, payments' }),
        ];
        const file = join(this.folder, 'config.ini');
        writeFileSync(file, settings.join('') + this.more, { mode: 0o600 });
        // What configures a server of the caller's is not for this one.
        const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('KARANA_')));
        this.process = spawn(process.env.PROGRAM, { cwd: this.folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
        const log = [];
        createInterface({ input: this.process.stderr }).on('line', line => log.push(line));
        for await (const line of createInterface({ input: this.process.stdout })) {
            const address = line.replace('karana listening on ', '');
            this.port = new URL(address).port;
            this.address = address;
            return this;
        }
        throw new Error(`the server did not get ready: ${log.slice(-5).join('\n')}`);
    }

    async stop() {
        const ended = new Promise(resolve => this.process.once('exit', resolve));
        this.process.kill('SIGTERM');
        await ended;
    }

    async end() {
        await this.stop();
        rmSync(this.folder, { recursive: true });
    }

    /** The API, as somebody. */
    async api(user = 'admin@example.com', password = 'admin') {
        const call = async (method, path, body, token, type = 'application/json') => {
            const headers = { 'Content-Type': type, ...(token ? { Authorization: `Bearer ${token}` } : {}) };
            const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
            const answer = await fetch(this.address + path, { method, headers, body: text });
            const parsed = answer.status === 204 ? null : await answer.json();
            assert.ok(answer.ok, `${method} ${path}: ${JSON.stringify(parsed)}`);
            return parsed;
        };
        const { access_token: token } = await call('POST', '/v2/users/login', { user, password });
        return (method, path, body, type) => call(method, path, body, token, type);
    }
}

/** A point of a device, as it sends it; the status. */
export async function post(karana, line) {
    const query = new URLSearchParams({ db: karana.owner, u: karana.uuid, p: karana.config.password });
    const answer = await fetch(`http://${influxdb.host}:${influxdb.port}/write?${query}`, { method: 'POST', body: line });
    return answer.status;
}

export const launch = () =>
    chromium.launch({
        executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
        args: [
            // A name that is not of this machine, for a page without TLS.
            '--host-resolver-rules=MAP karana.test 127.0.0.1',
            // Root has no other way, in a container.
            ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
        ],
    });

/** Somebody at a browser of their own, who also notes what the browser complains of. */
export class Person {
    static async at(browser, server, options = {}) {
        const context = await browser.newContext({
            viewport: { width: 1280, height: 800 }, locale: 'en-GB', timezoneId: 'Africa/Freetown', ...options,
        });
        const person = new Person();
        Object.assign(person, { server, context, complaints: [], page: await context.newPage() });
        const { page, complaints } = person;
        page.setDefaultTimeout(15_000);
        page.on('console', message => {
            // What the server refuses is looked at where it is shown.
            if (message.type() === 'error' && !message.text().includes('Failed to load resource')) complaints.push(message.text());
        });
        page.on('pageerror', error => complaints.push(String(error)));
        const under = new Set();
        for (const end of ['requestfinished', 'requestfailed']) page.on(end, request => under.delete(request));
        person.isBusy = () => under.size > 0;
        page.on('request', request => {
            const url = request.url();
            // That one ends when the page does.
            if (!url.endsWith('/v2/events')) under.add(request);
            if (!url.startsWith(server.address) && !/^(data|blob):/.test(url)) complaints.push(`asks ${url}`);
        });
        return person;
    }

    async signsIn(user = 'admin@example.com', password = 'admin') {
        await this.page.goto(`${this.server.address}/`);
        await this.page.getByLabel('E-mail').fill(user);
        await this.page.getByLabel(/^Password/).fill(password);
        await this.page.click('button[type=submit]');
        await this.page.locator('#main-content').waitFor();
    }

    goes(path) {
        return this.page.goto(`${this.server.address}/#${path}`);
    }

    /** Until nothing is asked of the server, for a while. */
    async rests(milliseconds = 300) {
        let since = Date.now();
        await until(async () => {
            if (this.isBusy()) since = Date.now();
            return Date.now() - since > milliseconds;
        });
    }

    /** For the folder of pictures, if there is one. */
    async picture(name) {
        if (!PICTURES) return;
        await this.rests();
        await this.page.screenshot({ path: join(PICTURES, `${name}.png`) });
    }

    /** Does something; leaves a picture of where it did not go on. */
    async does(what) {
        try {
            await what();
        } catch (error) {
            await this.picture('failed').catch(() => {});
            console.error(`at ${this.page.url()}`, this.complaints);
            throw error;
        }
    }

    async leaves() {
        await this.context.close();
        assert.deepEqual(this.complaints, [], 'the browser complains');
    }
}

/** Until it is so; what it was at last, if that never comes. */
export async function until(what, seconds = 20) {
    const end = Date.now() + seconds * 1000;
    for (;;) {
        const value = await what();
        if (value) return value;
        assert.ok(Date.now() < end, `still not after ${seconds} s: ${what}`);
        await new Promise(resolve => setTimeout(resolve, 50));
    }
}
