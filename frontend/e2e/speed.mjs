// How long the page takes on a slow phone's line, and how a list of 10,000 karanas feels. Prints a table for docs/performance.md.
import assert from 'node:assert/strict';
import { Person, Server } from './stage.mjs';

// 1.6 Mbit/s, 150 ms: what Lighthouse calls a slow 4G.
const SLOW = { offline: false, latency: 150, downloadThroughput: (1.6e6 / 8), uploadThroughput: (750e3 / 8) };
const KARANAS = 10_000;

/** What the browser has measured of the page, as Lighthouse names it: milliseconds, and a shift without a unit. */
const vitals = page =>
    page.evaluate(async () => {
        const entries = type =>
            new Promise(resolve => {
                new PerformanceObserver(list => resolve(list.getEntries())).observe({ type, buffered: true });
                setTimeout(() => resolve([]), 300);
            });
        const [paints, largest, shifts, tasks] = await Promise.all(
            ['paint', 'largest-contentful-paint', 'layout-shift', 'longtask'].map(entries),
        );
        return {
            fcp: Math.round(paints.find(entry => entry.name === 'first-contentful-paint')?.startTime ?? 0),
            lcp: Math.round(largest.at(-1)?.startTime ?? 0),
            cls: Number(shifts.reduce((sum, entry) => sum + (entry.hadRecentInput ? 0 : entry.value), 0).toFixed(3)),
            tbt: Math.round(tasks.reduce((sum, entry) => sum + Math.max(0, entry.duration - 50), 0)),
        };
    });

async function onASlowLine(browser, server) {
    const person = await Person.at(browser, server, { viewport: { width: 360, height: 740 } });
    const { page, context } = person;
    const line = await context.newCDPSession(page);
    await line.send('Network.enable');
    await line.send('Network.emulateNetworkConditions', SLOW);
    let bytes = 0;
    line.on('Network.loadingFinished', ({ encodedDataLength }) => {
        bytes += encodedDataLength;
    });
    const timed = async (work, shows) => {
        bytes = 0;
        const begin = performance.now();
        await work();
        await page.locator(shows).first().waitFor();
        return { ms: Math.round(performance.now() - begin), kB: Math.round(bytes / 1000) };
    };
    const first = { ...(await timed(() => page.goto(`${server.address}/`), 'input[type=email]')), ...(await vitals(page)) };
    await page.fill('input[type=email]', 'admin@example.com');
    await page.fill('input[type=password]', 'admin');
    const signIn = await timed(() => page.click('button[type=submit]'), '[data-count]');
    await person.rests();
    const again = await timed(() => page.reload(), '[data-count]');
    const second = await vitals(page);
    await context.clearCookies();
    const form = await timed(() => page.goto(`${server.address}/?again`), 'input[type=email]');
    await person.leaves();
    return { first, signIn, again: { ...again, ...second }, form };
}

async function ofALongList(browser, server) {
    const api = await server.api();
    const rows = Array.from({ length: KARANAS }, (_, i) => JSON.stringify({ name: `Karana ${i}`, owner: null, config: {} }));
    await api('POST', '/v2/karanas/import', rows.join('\n'), 'application/x-ndjson');
    const person = await Person.at(browser, server);
    const { page } = person;
    await person.signsIn();
    // The longest time in which the page could not have answered.
    await page.evaluate(() => {
        window.blocked = [0];
        new PerformanceObserver(list => window.blocked.push(...list.getEntries().map(entry => entry.duration))).observe({ type: 'longtask' });
    });
    const worst = async work => {
        await page.evaluate(() => window.blocked.splice(1));
        const begin = performance.now();
        await work();
        const ms = Math.round(performance.now() - begin);
        await page.waitForTimeout(300);
        return { ms, blocked: Math.round(await page.evaluate(() => Math.max(...window.blocked))) };
    };
    const row = text => page.locator('tbody tr', { hasText: text }).first().waitFor();
    const opened = await worst(async () => {
        await page.evaluate(() => (location.hash = '/karanas'));
        await row('Karana 0');
    });
    const filtered = await worst(async () => {
        await page.locator('input[name="name@contains"]').fill('Karana 9876');
        await row('Karana 9876');
    });
    await page.locator('input[name="name@contains"]').fill('');
    await row('Karana 0');
    const turned = await worst(async () => {
        await page.getByRole('button', { name: /next page/i }).click();
        await row('Karana 1002');
    });
    const last = await worst(async () => {
        await page.evaluate(pages => (location.hash = `/karanas?page=${pages}&perPage=25&sort=name&order=ASC`), KARANAS / 25);
        await row('Karana 9999');
    });
    const scrolled = await worst(async () => {
        for (let i = 0; i < 10; i++) await page.mouse.wheel(0, 300);
    });
    await person.leaves();
    return { opened, filtered, turned, last, scrolled };
}

export async function speed(browser) {
    const server = await new Server().start();
    try {
        const slow = await onASlowLine(browser, server);
        const list = await ofALongList(browser, server);
        console.log(JSON.stringify({ slow, list }, null, 1));
        assert.ok(slow.first.kB <= 400, 'first load: at most 400 kB');
        assert.ok(slow.first.ms <= 3000, 'first load: at most 3 s');
        for (const [name, { blocked }] of Object.entries(list)) {
            assert.ok(blocked <= 300, `${name} freezes the page for ${blocked} ms`);
        }
    } finally {
        await server.end();
    }
}
