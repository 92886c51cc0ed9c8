// Names as long as the server takes them, without a space: no page gets wider than the window.
import assert from 'node:assert/strict';
import { pages } from './look.mjs';
import { Person } from './stage.mjs';

const NAME = 'Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft'.repeat(4);

export async function long(browser, server, world) {
    const { owners: [owner], karanas: [karana] } = world;
    const api = await server.api();
    await api('PATCH', `/v2/users/${owner.uuid}`, { name: NAME.slice(0, 256) });
    await api('PATCH', `/v2/karanas/${karana.uuid}`, { name: NAME.slice(0, 128), note: NAME });
    const [, after] = pages(world);
    const wrong = [];
    for (const [width, who] of [[360, 'admin'], [1280, 'admin'], [360, owner.email], [1280, owner.email]]) {
        const person = await Person.at(browser, server, { viewport: { width, height: 800 } });
        const { page } = person;
        await person.does(async () => {
            await (who === 'admin' ? person.signsIn() : person.signsIn(who, 'password'));
            const own = { dashboard: '/', account: '/account', karanas: '/karanas' };
            const mine = Object.entries(who === 'admin' ? after : own);
            for (const [name, path] of mine) {
                await person.goes(path);
                await person.rests();
                const wide = await page.evaluate(() => document.documentElement.scrollWidth);
                if (wide > width) wrong.push(`${name} is ${wide} px wide at ${width} (${who === 'admin' ? who : 'an owner'})`);
                await person.picture(`long-${name}-${width}-${who === 'admin' ? who : 'owner'}`);
            }
            await person.goes('/users');
            if (who === 'admin') {
                const whole = page.getByTitle(NAME.slice(0, 256), { exact: true }).first();
                await whole.waitFor();
                const { x, width: long } = await whole.boundingBox();
                assert.ok(x + long <= width, 'a long name is cut off at the edge of the window');
            }
        });
        await person.leaves();
    }
    assert.deepEqual(wrong, []);
}
