// The first ten minutes of an operator: an owner with five devices, one of which posts and gets another password.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { Person, Server, post, until } from './stage.mjs';

const POINT = 'data power=18';
const DEVICES = ['Roof', 'Workshop', 'Well pump', 'Cold chain', 'Kitchen'];

export async function operator(browser) {
    // Nothing is brought to InfluxDB before it is asked for.
    const server = await new Server('[sync]\non_change = false\n').start();
    const person = await Person.at(browser, server);
    const { page } = person;
    const button = name => page.getByRole('button', { name, exact: true });
    const said = text => page.getByText(text).first().waitFor();
    try {
        await person.does(async () => {
            await person.signsIn();
            const api = await server.api();

            // An owner. What the server says of a field stands beside it.
            await person.goes('/users/create');
            await page.getByLabel(/^Name/).fill('School of Bo');
            await page.getByLabel('E-mail').fill('admin@example.com');
            await page.locator('input[name="credentials.password"]').fill('password');
            await button('Save').click();
            await page.locator('p.Mui-error').waitFor();
            await page.getByLabel('E-mail').fill('school@example.org');
            await button('Save').click();
            await page.waitForURL(/#\/users\/[0-9a-f-]{36}\/show/);

            // Five devices, from a table.
            await person.goes('/karanas/import');
            const rows = ['Name,Owner,config.post_int', ...DEVICES.map(name => `${name},school@example.org,15`)];
            await page.locator('input[type=file]').setInputFiles({
                name: 'devices.csv', mimeType: 'text/csv', buffer: Buffer.from(rows.join('\n')),
            });
            await button('Import 5 rows').click();
            await said('5 records were made.');

            // The plan, and what comes of it.
            await person.goes('/sync');
            await button('Show').click();
            await said(/steps/);
            await page.getByRole('region', { name: 'Sync now' }).getByRole('button').first().click();
            await said(/steps were done/);

            // A device posts, with the command that its page shows; it turns online without anybody's doing.
            const { items } = await api('GET', '/v2/karanas?filter[name]=Roof');
            const roof = `/karanas/${items[0].uuid}/show`;
            await person.goes(roof);
            await said('Unknown');
            const karana = await api('GET', `/v2/karanas/${items[0].uuid}`);
            await button('Show Test with curl').click();
            const command = await page.locator('code', { hasText: 'curl' }).textContent();
            execFileSync('sh', ['-c', `${command} -f`], { stdio: ['ignore', 'ignore', 'inherit'] });
            await page.getByText('Online', { exact: true }).first().waitFor({ timeout: 100_000 });

            // Another password, at once: InfluxDB refuses the old one.
            await button('New password').click();
            await page.getByLabel('Somebody flashes it, at once').check();
            await page.getByRole('dialog').getByRole('button', { name: 'New password' }).click();
            await said(/^Done. InfluxDB refuses the device until/);
            await button('Close').click();
            await person.goes('/sync');
            await page.getByRole('region', { name: 'Sync now' }).getByRole('button').first().click();
            await until(async () => (await post(karana, POINT)) === 401);
            assert.equal(await post(await api('GET', `/v2/karanas/${karana.uuid}`), POINT), 204);

            // A change, and back.
            await person.goes(`/karanas/${karana.uuid}`);
            await page.getByLabel('Note').fill('a mistake');
            await button('Save').click();
            await page.waitForURL(/\/show$/);
            assert.equal((await api('GET', `/v2/karanas/${karana.uuid}`)).note, 'a mistake');
            await person.goes(`/karanas/${karana.uuid}/history`);
            await page.getByText('a mistake').first().waitFor();
            await button('Restore this version').first().click();
            await page.getByRole('dialog').getByRole('button', { name: 'Restore it' }).click();
            await until(async () => !(await api('GET', `/v2/karanas/${karana.uuid}`)).note);

            // A deletion, and back.
            await person.goes(roof);
            await button('Delete').click();
            await page.getByRole('dialog').getByRole('button', { name: /confirm|delete/i }).click();
            await button('Undo').click();
            await until(async () => (await api('GET', '/v2/karanas?filter[name]=Roof')).total === 1);

            // Out; and no way back by the browser's own.
            await page.getByRole('button', { name: /admin/i }).first().click();
            await page.getByRole('menuitem', { name: /sign out|log ?out/i }).click();
            await page.getByLabel('E-mail').waitFor();
            await page.reload();
            await page.getByLabel('E-mail').waitFor();
        });
        await person.leaves();
    } finally {
        await server.end();
    }
}
