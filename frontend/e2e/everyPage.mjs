// Every page, wide and narrow, light and dark: what axe says of it, and pictures.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { sheet } from './sheet.mjs';
import { PICTURES, Person } from './stage.mjs';

const axe = readFileSync(fileURLToPath(new URL('../node_modules/axe-core/axe.min.js', import.meta.url)), 'utf8');
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

const SIZES = [[1280, 800], [360, 800]];
const SCHEMES = ['light', 'dark'];

/** What is wrong with the page that is shown, a line each. */
async function faults(page) {
    await page.evaluate(axe);
    const { violations } = await page.evaluate(rules => window.axe.run({ runOnly: rules }), RULES);
    return violations.flatMap(({ id, help, nodes }) => nodes.map(node => `${id}: ${help}: ${node.target.join(' ')}`));
}

/** Looks at pages by the names of their pictures: those of `before` when nobody is signed in yet. */
export async function everyPage(browser, server, before, after) {
    const wrong = [];
    const pictures = {};
    for (const scheme of SCHEMES) {
        for (const [width, height] of SIZES) {
            const person = await Person.at(browser, server, { viewport: { width, height }, colorScheme: scheme });
            const { page } = person;
            const look = async ([name, path]) => {
                await person.goes(path);
                // What is faded in has its colours at the end.
                await person.rests(500);
                const at = `${name} (${width}, ${scheme})`;
                wrong.push(...(await faults(page)).map(fault => `${at}: ${fault}`));
                const wide = await page.evaluate(() => document.documentElement.scrollWidth);
                if (wide > width) wrong.push(`${at}: is ${wide} px wide`);
                if (PICTURES) ((pictures[name] ??= {})[scheme] ??= []).push(await page.screenshot());
            };
            await person.does(async () => {
                for (const one of Object.entries(before)) await look(one);
                await person.signsIn();
                for (const one of Object.entries(after)) await look(one);
            });
            await person.leaves();
        }
    }
    for (const [name, rows] of Object.entries(pictures)) await sheet(browser, PICTURES, name, Object.values(rows));
    assert.deepEqual(wrong, [], 'pages with faults');
}
