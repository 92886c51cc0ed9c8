// The page in a real browser, from one end to the other.
import { look } from './look.mjs';
import { operator } from './operator.mjs';
import { launch } from './stage.mjs';
import { trouble } from './trouble.mjs';

const scenes = { operator, trouble, look };
const wanted = process.env.SCENE ? [process.env.SCENE] : Object.keys(scenes);

const browser = await launch();
try {
    for (const name of wanted) {
        const begin = performance.now();
        await scenes[name](browser);
        console.log(`${name}: fine, after ${Math.round((performance.now() - begin) / 1000)} s`);
    }
} finally {
    await browser.close();
}
