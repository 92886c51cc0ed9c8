// What goes wrong: two at one record, a server that is away, a session that ends, one who leaves meanwhile, and one who may see
// only what is theirs.
import assert from 'node:assert/strict';
import { long } from './long.mjs';
import { settle } from './fleet.mjs';
import { entering, leaving } from './signing.mjs';
import { unsaved } from './unsaved.mjs';
import { Person, Server, until } from './stage.mjs';

async function conflict(browser, server, { api, karanas: [{ uuid }] }) {
    const person = await Person.at(browser, server);
    const { page } = person;
    await person.does(async () => {
        await person.signsIn();
        await person.goes(`/karanas/${uuid}`);
        await page.getByLabel(/^Name/).fill('Roof of the mill');
        await api('PATCH', `/v2/karanas/${uuid}`, { name: 'Roof of the barn', note: 'by another' });
        // The form says so by itself, and shows both.
        await page.getByText('Changed meanwhile:').waitFor();
        await page.getByText('Roof of the barn').first().waitFor();
        await person.picture('conflict');
        await page.getByRole('button', { name: 'Save as chosen' }).click();
        await page.waitForURL(/\/show$/);
        const { name, note } = await api('GET', `/v2/karanas/${uuid}`);
        assert.deepEqual({ name, note }, { name: 'Roof of the mill', note: 'by another' });
    });
    await person.leaves();
}

async function away(browser, server, { karanas: [{ uuid }] }) {
    const person = await Person.at(browser, server);
    const { page } = person;
    await person.does(async () => {
        await person.signsIn();
        await person.goes(`/karanas/${uuid}`);
        await page.getByLabel('Note').fill('while it was away');
        await server.stop();
        await page.getByRole('button', { name: 'Save' }).click();
        await page.getByText(/does not answer/).first().waitFor();
        await person.picture('away');
        await server.start();
        // Nothing that was typed is lost.
        assert.equal(await page.getByLabel('Note').inputValue(), 'while it was away');
        await until(async () => (await page.getByRole('alert').filter({ hasText: /does not answer/ }).count()) === 0, 40);
        await page.getByRole('button', { name: 'Save' }).click();
        await page.waitForURL(/\/show$/);
    });
    await person.leaves();
}

async function ended(browser, server, { owners: [school], karanas: [{ uuid }] }) {
    const person = await Person.at(browser, server);
    const { page } = person;
    const api = await server.api();
    const note = async () => (await api('GET', `/v2/karanas/${uuid}`)).note;
    const dialog = page.getByRole('dialog');
    const savesTooLate = async text => {
        await person.goes(`/karanas/${uuid}`);
        await page.getByLabel('Note').fill(text);
        const { items } = await api('GET', '/v2/sessions');
        for (const { id, current } of items) if (!current) await api('DELETE', `/v2/sessions/${id}`);
        // The page may know before that.
        await page.locator('button[type=submit][aria-label=Save]').dispatchEvent('click');
        await dialog.waitFor();
    };
    await person.does(async () => {
        await person.signsIn();
        await savesTooLate('before the session ended');
        await dialog.getByLabel(/^Password/).fill('admin');
        await person.picture('session-ended');
        await dialog.getByRole('button', { name: 'Sign in' }).click();
        // What was begun is done now.
        await page.waitForURL(/\/show$/);
        assert.equal(await note(), 'before the session ended');
        // But not as somebody else, who might do it, too.
        await savesTooLate('as somebody else');
        const changes = [];
        page.on('request', request => request.method() === 'PATCH' && changes.push(request.url()));
        await dialog.getByLabel(/^E-mail/).fill(school.email);
        await dialog.getByLabel(/^Password/).fill('password');
        await dialog.getByRole('button', { name: 'Sign in' }).click();
        await page.getByRole('button', { name: `Account: ${school.name}` }).waitFor();
        await person.rests();
        assert.deepEqual(changes, []);
        assert.equal(await note(), 'before the session ended');
    });
    await person.leaves();
}

async function client(browser, server, { owners: [school], karanas }) {
    const person = await Person.at(browser, server, { viewport: { width: 360, height: 740 } });
    const { page } = person;
    await person.does(async () => {
        await person.signsIn(school.email, 'password');
        await page.getByText('Workshop').first().waitFor();
        assert.equal(await page.getByText('Well pump').count(), 0);
        await person.picture('client');
        await person.goes('/karanas');
        await page.getByText('Workshop').first().waitFor();
        assert.equal(await page.getByText('Well pump').count(), 0);
        assert.equal(await page.getByRole('link', { name: /create/i }).count(), 0);
        // Nor by its address.
        await person.goes(`/karanas/${karanas[2].uuid}/show`);
        await page.getByText('may not read').first().waitFor();
        await person.goes('/sync');
        await page.getByText(/may not see/).first().waitFor();
    });
    await person.leaves();
}

/** A list that the server refuses says so, and is there again without what was wrong. */
async function refused(browser, server) {
    const person = await Person.at(browser, server);
    const { page } = person;
    await person.does(async () => {
        await person.signsIn();
        for (const wrong of ['filter={"evil@contains":"x"}', 'sort=evil&order=ASC']) {
            await person.goes(`/karanas?${wrong}`);
            await page.locator('.list-page').getByRole('alert').waitFor();
            assert.equal(await page.getByText(/No Karanas|1–25/).count(), 0);
            await person.picture('refused-list');
            await page.getByRole('button', { name: 'Clear filters' }).click();
            await page.getByText('Well pump').waitFor();
            await person.goes('/');
            await person.goes('/karanas');
            await page.getByText('Well pump').waitFor();
        }
    });
    await person.leaves();
}

export async function trouble(browser) {
    const server = await new Server().start();
    try {
        const world = await settle(server);
        const scenes = [conflict, away, ended, leaving, entering, refused, client, unsaved, long];
        for (const scene of scenes) await scene(browser, server, world);
    } finally {
        await server.end();
    }
}
