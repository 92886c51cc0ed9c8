import { describe, expect, it } from 'vitest';
import { authProvider } from './authProvider';
import { Client, type Json, Refusal } from './client';
import { changes, dataProvider, filterQuery, isWhole } from './dataProvider';

interface Call {
    method: string;
    path: string;
    body: Json;
    headers: Record<string, string>;
}
type Reply = { status?: number; body?: Json; etag?: string };

const grant = (name: string, life = 900): Reply => ({ body: { access_token: name, token_type: 'Bearer', expires_in: life } });

/** A server that answers as it is told, and remembers what it was asked. */
function server(answer: (call: Call) => Reply) {
    const calls: Call[] = [];
    const fetch = async (path: unknown, init: RequestInit = {}) => {
        const call = {
            method: init.method ?? 'GET',
            path: decodeURI(String(path)),
            body: init.body === undefined ? null : JSON.parse(String(init.body)),
            headers: init.headers as Record<string, string>,
        };
        calls.push(call);
        const { status = 200, body, etag } = call.path === '/v2/refresh' && !refreshes ? grant('first') : answer(call);
        const headers: Record<string, string> = etag === undefined ? {} : { etag };
        return new Response(body === undefined ? null : JSON.stringify(body), { status, headers });
    };
    let refreshes = false;
    const clock = { now: 0 };
    return {
        calls,
        clock,
        client: new Client(fetch as typeof globalThis.fetch, () => clock.now),
        /** Calls but those for tokens. */
        asked: () => calls.filter(({ path }) => path !== '/v2/refresh').map(({ method, path }) => `${method} ${path}`),
        answersRefreshes() {
            refreshes = true;
            return this;
        },
    };
}

const FLEET = Array.from({ length: 60 }, (_, n) => ({ uuid: `k${n}`, name: `karana ${n}` }));

/** A list with cursors. */
function fleet({ path }: Call): Reply {
    const query = new URL(path, 'http://x').searchParams;
    const start = Number(query.get('after') ?? 0);
    const end = start + Number(query.get('limit'));
    return { body: { items: FLEET.slice(start, end), next: end < FLEET.length ? String(end) : null, total: FLEET.length } };
}

const page = (page: number, perPage = 10) => ({
    pagination: { page, perPage }, sort: { field: 'name', order: 'ASC' as const }, filter: {},
});
const ids = (found: { data: { id: unknown }[] }) => found.data.map(({ id }) => id);

describe('lists', () => {
    it('come by page number, each page from the cursor of the one before', async () => {
        const { client, asked } = server(fleet);
        const data = dataProvider(client);
        expect(ids(await data.getList('sims', page(1)))[0]).toBe('k0');
        const second = await data.getList('sims', page(2));
        expect([ids(second)[0], second.total]).toEqual(['k10', 60]);
        expect(asked()).toEqual(['GET /v2/sims?sort=name&limit=10', 'GET /v2/sims?sort=name&limit=10&after=10']);
    });

    it('have records in part, without what is read of one by itself', async () => {
        const { client } = server(call => (call.path.includes('?sort') ? fleet(call) : { body: { uuid: 'k1' }, etag: '"1"' }));
        const data = dataProvider(client);
        expect(isWhole((await data.getList('sims', page(1))).data[0])).toBe(false);
        expect(isWhole((await data.getOne('sims', { id: 'k1' })).data)).toBe(true);
        expect(isWhole(undefined)).toBe(false);
    });

    it('jump to a page by reading over what lies before it', async () => {
        const { client, asked } = server(fleet);
        const data = dataProvider(client);
        expect(ids(await data.getList('sims', page(5)))).toEqual(FLEET.slice(40, 50).map(({ uuid }) => uuid));
        expect(asked()[0]).toBe('GET /v2/sims?sort=name&limit=40&fields=uuid');
        expect(asked()).toHaveLength(2);
        expect(await data.getList('sims', page(9))).toEqual({ data: [], total: 60 });
    });

    it('with another order or filter begin anew', async () => {
        const { client, asked } = server(fleet);
        const data = dataProvider(client);
        await data.getList('sims', page(1));
        await data.getList('sims', { ...page(2), filter: { 'name@contains': 'a' }, sort: { field: 'id', order: 'DESC' } });
        expect(asked()[1]).toBe('GET /v2/sims?filter[name][contains]=a&sort=-uuid&limit=10&fields=uuid');
    });

    it('of karanas come with their live state and without secrets', async () => {
        const { client, asked } = server(fleet);
        await dataProvider(client).getList('karanas', { ...page(1), filter: { connection: 'late' } });
        expect(asked()[0]).toContain('connection=late&sort=name&limit=10&include=status&fields=uuid,name');
    });
});

describe('filters', () => {
    it('name field and operator, also below another', () => {
        expect(filterQuery({ owner: null, config: { 'post_int@gte': 15 }, name: '' })).toBe(
            'filter[owner]=null&filter[config.post_int][gte]=15',
        );
        expect(filterQuery({ 'uuid@in': ['a', 'b'] })).toBe('filter[uuid][in]=a%2Cb');
        expect(filterQuery(undefined)).toBe('');
    });
});

describe('changes', () => {
    it('send what is different, and the version that was seen', async () => {
        const { client, calls } = server(() => ({ body: { uuid: 'k', name: 'new' }, etag: '"2"' }));
        const before = { id: 'k', uuid: 'k', name: 'old', note: '', config: { signal: 1, series: 'data' }, _etag: '"1"' };
        const after = { ...before, name: 'new', config: { signal: 2, series: 'data' }, kid: null };
        const { data } = await dataProvider(client).update('karanas', { id: 'k', data: after, previousData: before });
        const patch = calls.find(({ method }) => method === 'PATCH');
        expect(patch?.body).toEqual({ name: 'new', config: { signal: 2 } });
        expect(patch?.headers['If-Match']).toBe('"1"');
        expect(data._etag).toBe('"2"');
    });

    it('take an input that was emptied for null, and one that always was for nothing', () => {
        expect(changes({ kid: 'a', credentials: {} }, { kid: null, note: null, credentials: { password: '' } })).toEqual({ kid: null });
    });

    it('that somebody else was faster with are told so', async () => {
        const { client } = server(() => ({ status: 412, body: { code: 'precondition_failed', detail: 'x' } }));
        const update = dataProvider(client).update('karanas', { id: 'k', data: {}, previousData: { id: 'k', _etag: '"1"' } });
        await expect(update).rejects.toMatchObject({ message: 'karana.conflict', status: 412 });
    });

    it('that are refused say so beside each field', async () => {
        const errors = [
            { field: 'name', code: 'min_length', message: 'is too short' },
            { field: 'config.signal', code: 'minimum', message: 'is too small' },
        ];
        const { client } = server(() => ({ status: 400, body: { code: 'invalid', detail: 'two', errors } }));
        await expect(dataProvider(client).create('karanas', { data: {} })).rejects.toMatchObject({
            message: 'two',
            body: { errors: { name: expect.stringContaining('is too short'), config: { signal: expect.stringContaining('is too small') } } },
        });
    });

    it('delete the version that was seen, or the one of now', async () => {
        const { client, calls } = server(() => ({ body: { uuid: 'k' }, etag: '"now"' }));
        const data = dataProvider(client);
        await data.delete('karanas', { id: 'k', previousData: { id: 'k', _etag: '"seen"' } });
        await data.delete('karanas', { id: 'k', previousData: { id: 'k' } });
        const tags = calls.filter(({ method }) => method === 'DELETE').map(({ headers }) => headers['If-Match']);
        expect(tags).toEqual(['"seen"', '"now"']);
    });

    it('delete many at once, in the versions of now, and say what is gone', async () => {
        const { client, calls } = server(({ path }) => ({ body: { uuid: 'k' }, etag: `"${path.slice(12, 13)}"` }));
        const gone: unknown[] = [];
        await dataProvider(client, (...deletion) => gone.push(deletion)).deleteMany('karanas', { ids: ['a', 'b'] });
        expect(calls.at(-1)?.body).toEqual({
            operations: [
                { op: 'delete', resource: 'karanas', uuid: 'a', if_match: '"a"' },
                { op: 'delete', resource: 'karanas', uuid: 'b', if_match: '"b"' },
            ],
        });
        expect(gone).toEqual([['karanas', ['a', 'b']]]);
    });
});

describe('sessions', () => {
    it('begin with a cookie, and send the token from then on', async () => {
        const { client, calls } = server(({ path }): Reply => {
            if (path.endsWith('/login')) return grant('mine');
            if (path === '/v2/me') return { body: { role: 'viewer' } };
            return { body: { resources: [{ name: 'users', create: false }] } };
        });
        const auth = authProvider(client);
        await auth.login({ username: 'a@b.de', password: '12345' });
        expect(calls[0]?.body).toEqual({ user: 'a@b.de', password: '12345', cookie: true });
        expect(await auth.getPermissions?.({})).toMatchObject({ me: { role: 'viewer' }, resources: [{ name: 'users' }] });
        expect(calls[1]?.headers.Authorization).toBe('Bearer mine');
        expect(await auth.canAccess?.({ action: 'create', resource: 'users' })).toBe(false);
        expect(await auth.canAccess?.({ action: 'list', resource: 'users' })).toBe(true);
        expect(await auth.canAccess?.({ action: 'list', resource: 'payments' })).toBe(false);
        expect(await auth.canAccess?.({ action: 'create', resource: 'keys' })).toBe(true);
    });

    it('go on after a reload by the cookie, and else are none', async () => {
        const { client } = server(() => ({}));
        await authProvider(client).checkAuth({});
        expect(client.signedIn).toBe(true);
        const without = server(() => ({ status: 400, body: { code: 'invalid' } })).answersRefreshes();
        await expect(authProvider(without.client).checkAuth({})).rejects.toThrow();
    });

    it('are not over because the server is away', async () => {
        const { client } = server(() => ({ status: 503 })).answersRefreshes();
        await expect(client.request('/v2/me')).rejects.toMatchObject({ status: 503 });
    });

    it('are renewed once for all calls at a time, and before a token ends', async () => {
        const { client, calls, clock } = server(() => ({ body: null }));
        await Promise.all([client.request('/v2/me'), client.request('/v2/sync')]);
        const refreshes = () => calls.filter(({ path }) => path === '/v2/refresh').length;
        expect(refreshes()).toBe(1);
        clock.now = 880_000;
        await client.request('/v2/me');
        expect(refreshes()).toBe(2);
    });

    it('try a call again with a new token when the old one is refused', async () => {
        let refused = 0;
        const { client, asked } = server(() => (refused++ === 0 ? { status: 401, body: {} } : { body: 'fine' }));
        expect((await client.request('/v2/me')).body).toBe('fine');
        expect(asked()).toEqual(['GET /v2/me', 'GET /v2/me']);
    });

    it('end on the server too', async () => {
        const { client, asked } = server(() => ({ status: 204 }));
        const auth = authProvider(client);
        await auth.checkAuth({});
        await auth.logout({});
        expect(asked()).toEqual(['POST /v2/logout']);
        expect(client.signedIn).toBe(false);
    });

    it('end with a 401, and with nothing else', async () => {
        const auth = authProvider(server(() => ({ status: 401, body: {} })).answersRefreshes().client);
        const error = new Refusal(401, 'unauthorized', 'x');
        await expect(auth.checkError(error)).rejects.toBe(error);
        await auth.checkError(new Error('another'));
    });
});
