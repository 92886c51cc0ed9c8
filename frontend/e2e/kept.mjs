// The page kept in the browser: there at once, whoever is away; another one after an update; and nothing but the page.
import assert from 'node:assert/strict';
import { Front } from './front.mjs';
import { Person, Server, until } from './stage.mjs';

/** All that is kept, by cache. */
const kept = page =>
    page.evaluate(async () => {
        const found = {};
        for (const name of await caches.keys()) {
            const requests = await (await caches.open(name)).keys();
            found[name] = requests.map(({ url }) => new URL(url).pathname);
        }
        return found;
    });

/** The script that a page begins with. */
const build = page => page.evaluate(() => document.querySelector('script[src]').getAttribute('src'));

const keeps = page => until(async () => 'page' in (await kept(page)));

/** Somebody for whom the page is kept. */
async function visitor(browser, front) {
    const person = await Person.at(browser, front);
    await person.page.goto(`${front.address}/`);
    await person.page.getByLabel('E-mail').waitFor();
    await keeps(person.page);
    await person.page.reload();
    return { person, page: person.page };
}

async function atOnce(browser, server) {
    const front = await new Front(server).start();
    const { person, page } = await visitor(browser, front);
    const byWorker = new Set();
    page.on('response', answer => answer.fromServiceWorker() && byWorker.add(new URL(answer.url()).pathname));
    await person.does(async () => {
        const nonces = new Set();
        for (let i = 0; i < 3; i++) {
            const answer = await page.reload();
            assert.ok(answer.fromServiceWorker());
            const [, nonce] = /'nonce-([0-9a-f]{32})'/.exec(await answer.headerValue('content-security-policy'));
            assert.ok((await answer.text()).includes(`nonce="${nonce}"`));
            nonces.add(nonce);
        }
        assert.equal(nonces.size, 3, 'a nonce for each answer');
        await person.signsIn();
        await person.goes('/karanas');
        await person.goes('/history');
        await person.rests();
        // The server is away: the page is there, and says so.
        await server.stop();
        await page.reload();
        await page.getByText(/does not answer/).first().waitFor();
        await server.start();
        await page.locator('#main-content').waitFor({ timeout: 30_000 });
        await page.getByRole('button', { name: /admin/i }).first().click();
        await page.getByRole('menuitem', { name: /sign out|log ?out/i }).click();
        await page.getByLabel('E-mail').waitFor();
        await person.rests();
        const own = path => path === '/' || /^\/assets\/[\w.-]+$/.test(path);
        assert.deepEqual([...byWorker].filter(path => !own(path)), []);
        assert.deepEqual(Object.values(await kept(page)).flat().filter(path => !own(path)), [], 'nothing of the fleet is kept');
    });
    await person.leaves();
    front.end();
}

async function another(browser, server) {
    const front = await new Front(server).start();
    const { person, page } = await visitor(browser, front);
    await person.does(async () => {
        const old = await build(page);
        front.page = 'new';
        await page.reload();
        await page.getByLabel('E-mail').waitFor();
        assert.equal(await build(page), old);
        // All that the new one needs is there before it takes the old one's place.
        const shell = async () => page.evaluate(async () => (await (await caches.open('page')).match('/'))?.text() ?? '');
        await until(async () => ![old, undefined].includes(/\/assets\/start-[\w-]+\.js/.exec(await shell())?.[0]));
        await page.reload();
        await page.getByLabel('E-mail').waitFor();
        const now = await build(page);
        assert.notEqual(now, old);
        await until(async () => JSON.stringify(Object.keys(await kept(page)).sort()) === JSON.stringify([now, 'page']));
    });
    await person.leaves();
    front.end();
}

/** An open page whose parts the server has no more. */
async function outdated(browser, server, secure) {
    const front = await new Front(server).start();
    if (!secure) front.address = front.address.replace('127.0.0.1', 'karana.test');
    const person = await Person.at(browser, front);
    const { page } = person;
    await person.does(async () => {
        await person.signsIn();
        await person.rests();
        const isSecure = await page.evaluate(() => isSecureContext && 'serviceWorker' in navigator);
        assert.equal(isSecure, secure);
        if (secure) {
            await keeps(page);
            await page.reload();
            await page.locator('#main-content').waitFor();
            await person.rests();
        }
        let loads = 0;
        page.on('domcontentloaded', () => loads++);
        front.page = 'new';
        await page.getByRole('menuitem', { name: 'Sync' }).click();
        await page.getByRole('region', { name: 'Sync now' }).waitFor();
        assert.equal(loads, 1);
        assert.match(await build(page), /-of-another-build\.js$/);
        // Nor has the new one all of them: it is said, and once is enough.
        front.missing = /\/history-/;
        await page.getByRole('menuitem', { name: 'History' }).click();
        await page.getByRole('button', { name: 'Reload' }).waitFor();
        await person.rests(2_000);
        await page.getByRole('button', { name: 'Reload' }).waitFor();
        assert.equal(loads, 2);
    });
    person.complaints.splice(0);
    await person.leaves();
    front.end();
}

async function without(browser, server) {
    const front = await new Front(server).start();
    const { person, page } = await visitor(browser, front);
    await person.does(async () => {
        front.page = 'none';
        await page.reload();
        const left = async () => [...(await caches.keys()), ...(await navigator.serviceWorker.getRegistrations())].length;
        await until(async () => (await page.evaluate(left)) === 0);
        await page.reload();
        await page.getByText('Unbuilt').waitFor();
    });
    await person.leaves();
    front.end();
}

export async function keptPage(browser) {
    const server = await new Server().start();
    try {
        await atOnce(browser, server);
        await another(browser, server);
        await outdated(browser, server, true);
        await outdated(browser, server, false);
        await without(browser, server);
    } finally {
        await server.end();
    }
}
