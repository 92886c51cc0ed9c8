// One scene with the page in a real browser: node page.mjs <scene>, with what tests/it/browser.rs gives.
import { keptPage as kept } from './kept.mjs';
import { look } from './look.mjs';
import { operator } from './operator.mjs';
import { speed } from './speed.mjs';
import { launch } from './stage.mjs';
import { trouble } from './trouble.mjs';

const scenes = { operator, trouble, kept, look, speed };
const name = process.argv[2];

const browser = await launch();
try {
    const begin = performance.now();
    await scenes[name](browser);
    console.log(`${name}: fine, after ${Math.round((performance.now() - begin) / 1000)} s`);
} finally {
    await browser.close();
}
