// Who comes and goes, in all tabs of a browser.
import assert from 'node:assert/strict';
import { Person, until } from './stage.mjs';

const UNENDED = 'The server has not been told yet';

/** Another tab of the same browser. */
async function tab(person, path) {
    const page = await person.context.newPage();
    page.setDefaultTimeout(15_000);
    page.on('pageerror', error => person.complaints.push(String(error)));
    await page.goto(`${person.server.address}/#${path}`);
    return page;
}

/** Signing out while the server is away: nobody comes in by what is left, and it is ended when the server is back. */
export async function leaving(browser, server) {
    const api = await server.api();
    const sessions = async () => (await api('GET', '/v2/sessions')).items.length;
    const before = await sessions();
    const person = await Person.at(browser, server);
    const { page, context } = person;
    await person.does(async () => {
        await person.signsIn();
        const other = await tab(person, '/karanas');
        await other.getByText('Well pump').waitFor();
        assert.equal(await sessions(), before + 1);
        // The page itself comes, the server's answers do not.
        const away = route => route.abort();
        for (const path of ['**/v2/**', '**/health/**']) await context.route(path, away);
        await page.getByRole('button', { name: /^Account/ }).click();
        await page.getByRole('menuitem', { name: 'Sign out' }).click();
        for (const one of [other, page]) {
            // The browser paints no other.
            await one.bringToFront();
            await one.getByText(UNENDED).waitFor();
        }
        await person.picture('left');
        await page.reload();
        await page.getByText(UNENDED).waitFor();
        for (const path of ['**/v2/**', '**/health/**']) await context.unroute(path, away);
        await until(async () => (await sessions()) === before, 40);
        for (const one of [page, other]) {
            await one.bringToFront();
            await one.getByText(UNENDED).waitFor({ state: 'detached' });
            await one.reload();
            await one.getByLabel('E-mail').waitFor();
        }
        await person.rests(2_000);
        for (const one of [page, other]) assert.equal(await one.locator('#main-content').count(), 0);
    });
    await person.leaves();
}

/** Who signs in in one tab is in all that wait for it, with all that they may do. */
export async function entering(browser, server) {
    const person = await Person.at(browser, server);
    const { page } = person;
    await person.does(async () => {
        await person.goes('/');
        const other = await tab(person, '/karanas');
        await other.getByLabel('E-mail').waitFor();
        for (const round of ['at first', 'after signing out']) {
            await person.signsIn();
            await other.bringToFront();
            await other.getByText('Well pump').first().waitFor();
            for (const part of ['Owners', 'Sync']) {
                assert.equal(await other.getByRole('menuitem', { name: part }).count(), 1, `${part}, ${round}`);
            }
            await other.getByRole('button', { name: 'Account: admin' }).waitFor();
            await page.bringToFront();
            await page.getByRole('button', { name: /^Account/ }).click();
            await page.getByRole('menuitem', { name: 'Sign out' }).click();
            await other.bringToFront();
            await other.getByLabel('E-mail').waitFor();
            await other.goto(`${server.address}/#/karanas`);
            await page.bringToFront();
        }
    });
    await person.leaves();
}
