// Pictures of one page beside each other, as one small file.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

// Small enough for many of them, and text can still be read.
const [SCALE, GAP, QUALITY] = [0.7, 12, 0.8];

/** Lays out rows of pictures (PNG), and writes them as one WebP. */
export async function sheet(browser, folder, name, rows) {
    const page = await browser.newPage();
    const pictures = rows.map(row => row.map(png => `data:image/png;base64,${png.toString('base64')}`));
    const text = await page.evaluate(async ([rows, scale, gap, quality]) => {
        const load = async source => {
            const image = new Image();
            image.src = source;
            await image.decode();
            return image;
        };
        const images = await Promise.all(rows.map(row => Promise.all(row.map(load))));
        const canvas = document.createElement('canvas');
        const size = value => Math.round(value * scale);
        const wide = row => row.reduce((sum, image) => sum + size(image.width) + gap, -gap);
        const high = row => Math.max(...row.map(image => size(image.height)));
        canvas.width = Math.max(...images.map(wide));
        canvas.height = images.reduce((sum, row) => sum + high(row) + gap, -gap);
        const drawing = canvas.getContext('2d');
        drawing.imageSmoothingQuality = 'high';
        let y = 0;
        for (const row of images) {
            let x = 0;
            for (const image of row) {
                drawing.drawImage(image, x, y, size(image.width), size(image.height));
                x += size(image.width) + gap;
            }
            y += high(row) + gap;
        }
        return canvas.toDataURL('image/webp', quality).split(',')[1];
    }, [pictures, SCALE, GAP, QUALITY]);
    writeFileSync(join(folder, `${name}.webp`), Buffer.from(text, 'base64'));
    await page.close();
}
