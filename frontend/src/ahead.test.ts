import { describe, expect, it } from 'vitest';
import { DASHBOARD } from './ahead';
import { Client } from './client';
import { dataProvider } from './dataProvider';
import { CONNECTIONS, LIST, OWN } from './lists';
import { single } from './tabs';

const json = (body: unknown) => new Response(JSON.stringify(body), { headers: { 'content-type': 'application/json' } });
const GRANT = { access_token: 'a', expires_in: 900, me: { role: 'client' }, about: { version: '1' } };

/** A client, all that it has asked the server for, and who it has found. */
function stage(tabs = single()) {
    const [asked, found, clock] = [[] as string[], [] as string[], { now: 0 }];
    const fetch = async (path: unknown) => {
        asked.push(String(path));
        return json(path === '/v2/refresh' ? GRANT : { path, items: [], next: null, total: 0 });
    };
    const client = new Client(fetch as typeof globalThis.fetch, () => clock.now, tabs, (_, role) => found.push(role));
    return { client, asked, found, clock };
}

describe('what is asked ahead', () => {
    it('is what the dashboard asks for', async () => {
        const { client, asked } = stage();
        const data = dataProvider(client);
        const sort = { field: 'name', order: 'ASC' as const };
        await client.ready();
        asked.length = 0;
        for (const connection of CONNECTIONS) {
            const pagination = { page: 1, perPage: 1 };
            await data.getList('karanas', { filter: { connection }, pagination, sort, meta: 'fields=uuid' });
        }
        expect(asked).toEqual(DASHBOARD.fleet.slice(0, CONNECTIONS.length));
        asked.length = 0;
        await data.getList('karanas', { filter: {}, pagination: { page: 1, perPage: OWN }, sort, meta: LIST.karanas });
        expect(asked).toEqual(DASHBOARD.own);
    });

    it('is asked for once, and is the answer of one call', async () => {
        const { client, asked } = stage();
        client.ahead('/v2/history');
        await client.request('/v2/history');
        expect(asked).toEqual(['/v2/refresh', '/v2/history']);
        await client.request('/v2/history');
        expect(asked).toEqual(['/v2/refresh', '/v2/history', '/v2/history']);
    });

    it('is none of a while ago, nor of somebody else', async () => {
        const { client, asked, clock } = stage();
        client.ahead('/v2/history');
        clock.now = 60_000;
        await client.request('/v2/history');
        client.ahead('/v2/history');
        client.forget();
        await client.request('/v2/history');
        expect(asked.filter(path => path === '/v2/history')).toHaveLength(4);
    });

    it('is no answer to a change, nor one of before it', async () => {
        const { client, asked } = stage();
        client.ahead('/v2/keys');
        await client.request('/v2/keys', { method: 'POST', body: {} });
        expect(asked).toEqual(['/v2/refresh', '/v2/keys', '/v2/keys']);
        await client.request('/v2/keys');
        // What came with the session, which was gone on with for the change.
        await client.request('/v2/me');
        expect(asked.slice(3)).toEqual(['/v2/keys', '/v2/me']);
    });
});

describe('a session', () => {
    it('comes with who one is and what one may do', async () => {
        const { client, asked, found } = stage();
        await client.ready();
        expect((await client.request('/v2/me')).body).toEqual(GRANT.me);
        expect((await client.request('/v2/about')).body).toEqual(GRANT.about);
        expect([asked, found]).toEqual([['/v2/refresh'], ['client']]);
    });

    it('is not asked for where there is none', async () => {
        const { client, asked } = stage({ ...single(), haveSession: () => false });
        expect(await client.ready()).toBe(false);
        expect(client.begun.get()).toBe(true);
        expect(asked).toEqual([]);
    });
});
