import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Client } from '../client';
import { watch } from './watch';

const page = Object.assign(new EventTarget(), { visibilityState: 'visible' });

beforeEach(() => {
    vi.useFakeTimers();
    vi.stubGlobal('window', new EventTarget());
    vi.stubGlobal('document', page);
});

afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
});

/** A server that is away, and how often it was asked whether it is back. */
function outage() {
    const server = { back: false, asked: 0 };
    const client = new Client();
    watch(client, async () => {
        server.asked += 1;
        return server.back;
    });
    client.away.set(true);
    return { client, server };
}

it('a server that is away is asked, less and less often, until it answers', async () => {
    const { client, server } = outage();
    await vi.advanceTimersByTimeAsync(1_000 + 1_000 + 2_000 + 4_000);
    expect(server.asked).toBe(4);
    await vi.advanceTimersByTimeAsync(600_000);
    expect(server.asked).toBeLessThan(50);
    server.back = true;
    await vi.advanceTimersByTimeAsync(15_000);
    expect(client.away.get()).toBe(false);
    const asked = server.asked;
    await vi.advanceTimersByTimeAsync(600_000);
    expect(server.asked).toBe(asked);
});

it('it is asked at once when the network is back, or somebody looks at the page', async () => {
    const { client, server } = outage();
    window.dispatchEvent(new Event('online'));
    expect(server.asked).toBe(1);
    server.back = true;
    page.dispatchEvent(new Event('visibilitychange'));
    await vi.advanceTimersByTimeAsync(0);
    expect(client.away.get()).toBe(false);
});

it('a browser without a network knows it before anything is asked', () => {
    const client = new Client();
    watch(client, async () => false);
    window.dispatchEvent(new Event('offline'));
    expect(client.away.get()).toBe(true);
});
