// The page in a real browser, against a real server: node e2e/page.mjs <address> [<folder for pictures>]
import assert from 'node:assert/strict';
import { chromium } from 'playwright-core';

const [address, pictures] = process.argv.slice(2);
const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    // Root has no other way, in a container.
    args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
});
const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'en-GB' });
const page = await context.newPage();
page.setDefaultTimeout(20_000);

const complaints = [];
page.on('console', message => {
    const text = message.text();
    // Before anybody is signed in there is no cookie to go on with.
    if (message.type() === 'error' && !text.includes('status of 400')) complaints.push(text);
});
page.on('pageerror', error => complaints.push(String(error)));
page.on('request', request => {
    if (!request.url().startsWith(address) && !request.url().startsWith('data:')) complaints.push(`asks ${request.url()}`);
});

// A refusal that was provoked.
const forgive = status => {
    const others = complaints.filter(text => !text.includes(`status of ${status}`));
    complaints.splice(0, complaints.length, ...others);
};

const picture = name => (pictures ? page.screenshot({ path: `${pictures}/${name}.png` }) : undefined);

try {
    await page.goto(`${address}/`);
    await page.fill('input[name=user]', 'admin@example.com');
    await page.fill('input[name=password]', 'admin');
    await page.click('button[type=submit]');
    await page.waitForSelector('[data-count=unknown]');

    // An owner, with an address that is taken: what the server says of it stands beside the field.
    const name = `Owner ${Date.now()}`;
    await page.goto(`${address}/#/users/create`);
    await page.fill('input[name=name]', name);
    await page.fill('input[name=email]', 'admin@example.com');
    await page.fill('input[name="credentials.password"]', 'secret 1');
    await page.click('button[type=submit]');
    await page.waitForSelector('p.Mui-error');
    forgive(409);
    await page.fill('input[name=email]', `owner${Date.now()}@example.com`);
    await page.click('button[type=submit]');
    await page.waitForURL(/users\/[0-9a-f-]{36}\/show/);
    await page.getByText(name).first().waitFor();

    // A karana of theirs.
    await page.goto(`${address}/#/karanas/create`);
    await page.fill('input[name=name]', 'Roof of the school');
    await page.fill('input[name=owner]', name);
    await page.click(`[role=option]:has-text("${name}")`);
    await page.click('button[type=submit]');
    // What somebody needs who flashes it comes next.
    await page.waitForURL(/karanas\/[0-9a-f-]{36}\/show/);
    await page.getByText(name).first().waitFor();
    await picture('karana');
    await page.goto(`${address}/#/karanas`);
    const row = page.locator('tr', { hasText: 'Roof of the school' }).filter({ hasText: name });
    await row.getByText('Unknown').waitFor();
    await picture('karanas');

    // Changed by two at a time: the second is told.
    await row.getByText('Roof of the school').click();
    await page.waitForURL(/karanas\/[0-9a-f-]{36}/);
    const uuid = /karanas\/([0-9a-f-]{36})/.exec(page.url())[1];
    await page.goto(`${address}/#/karanas/${uuid}`);
    // The form begins with what is known from the page before; what then comes from the server begins it anew.
    await page.waitForSelector('textarea[name=note]');
    await page.waitForLoadState('networkidle');
    await page.waitForTimeout(500);
    await page.fill('input[name=name]', 'Roof of the mill');
    await page.evaluate(async uuid => {
        const send = async (path, body, more) => {
            const headers = { 'Content-Type': 'application/json', ...more };
            return (await fetch(path, { method: more ? 'PATCH' : 'POST', headers, body: JSON.stringify(body) })).json();
        };
        const { access_token } = await send('/v2/users/login', { user: 'admin@example.com', password: 'admin' });
        await send(`/v2/karanas/${uuid}`, { note: 'faster' }, { Authorization: `Bearer ${access_token}` });
    }, uuid);
    await page.click('button[type=submit]');
    await page.getByText('Somebody else has changed this').waitFor();
    forgive(412);

    // After a reload the session goes on by its cookie, with what the other has written; now it can be saved.
    await page.reload();
    await page.locator('textarea[name=note]').getByText('faster').waitFor();
    await page.waitForTimeout(500);
    await page.fill('input[name=name]', 'Roof of the mill');
    await page.click('button[type=submit]');
    await page.waitForURL(/show$/);
    await page.getByText('Roof of the mill').first().waitFor();

    await page.goto(`${address}/#/`);
    // The stream of events never lets the network be idle.
    await page.waitForFunction(() => /\d/.test(document.querySelector('[data-count=unknown]')?.textContent ?? ''));
    await picture('dashboard');
    assert.deepEqual(complaints, [], 'the browser complains');
    console.log('The page works: signed in, made an owner and a karana, and was told of a conflict.');
} catch (error) {
    await picture('failed');
    console.error(complaints.join('\n'));
    throw error;
} finally {
    await browser.close();
}
