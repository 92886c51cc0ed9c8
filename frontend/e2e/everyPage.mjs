// Every page, wide and narrow, light and dark: what axe says of it, and a picture.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Person } from './stage.mjs';

const axe = readFileSync(fileURLToPath(new URL('../node_modules/axe-core/axe.min.js', import.meta.url)), 'utf8');
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

const WIDTHS = [[1280, 800], [360, 740]];
const SCHEMES = ['light', 'dark'];

/** What is wrong with the page that is shown, a line each. */
async function faults(page) {
    await page.evaluate(axe);
    const { violations } = await page.evaluate(rules => window.axe.run({ runOnly: rules }), RULES);
    return violations.flatMap(({ id, help, nodes }) => nodes.map(node => `${id}: ${help}: ${node.target.join(' ')}`));
}

/** Looks at the paths, by the names of their pictures; of those before it somebody is signed in for none. */
export async function everyPage(browser, server, before, after) {
    const wrong = [];
    for (const [width, height] of WIDTHS) {
        for (const colorScheme of SCHEMES) {
            const person = await Person.at(browser, server, { viewport: { width, height }, colorScheme });
            const { page } = person;
            const look = async ([name, path]) => {
                await person.goes(path);
                // What is faded in has its colours at the end.
                await person.rests(500);
                const at = `${name} (${width}, ${colorScheme})`;
                wrong.push(...(await faults(page)).map(fault => `${at}: ${fault}`));
                const wide = await page.evaluate(() => document.documentElement.scrollWidth);
                if (wide > width) wrong.push(`${at}: is ${wide} px wide`);
                await person.picture(`${name}-${width}-${colorScheme}`);
            };
            await person.does(async () => {
                for (const one of Object.entries(before)) await look(one);
                await person.signsIn();
                for (const one of Object.entries(after)) await look(one);
            });
            await person.leaves();
        }
    }
    assert.deepEqual(wrong, [], 'pages with faults');
}
