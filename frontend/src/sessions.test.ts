import { afterEach, describe, expect, it, vi } from 'vitest';
import { authProvider } from './authProvider';
import { Client } from './client';
import { endWhatIsLeft } from './frame/watch';
import type { News, Tabs } from './tabs';

const json = (body: unknown, status = 200, headers: Record<string, string> = {}) =>
    new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json', ...headers } });
const grant = (name: string) => json({ access_token: name, expires_in: 900 });
const settled = () => new Promise(resolve => setTimeout(resolve, 0));

/** Tabs of one browser: what one tells, all others hear; one at a time renews. */
function browser() {
    const listeners = new Map<object, (news: News) => void>();
    let last: Promise<unknown> = Promise.resolve();
    let departed = false;
    const left = { get: () => departed, set: (now: boolean) => void (departed = now) };
    return (): Tabs => {
        const me = {};
        return {
            alone(task) {
                const mine = last.then(task);
                last = mine.catch(() => {});
                return mine;
            },
            haveSession: () => true,
            left,
            tell: news => [...listeners].filter(([who]) => who !== me).forEach(([, listener]) => listener(news)),
            listen(listener) {
                listeners.set(me, listener);
                return () => listeners.delete(me);
            },
        };
    };
}

/** A server with one session, whose refresh token is in the cookie that all tabs have. */
function server() {
    const state = { cookie: 1, valid: 1, access: new Set<string>(), clock: 0, away: false, stolen: false, busy: 0, ended: 0 };
    const end = () => {
        state.valid = 0;
        state.access.clear();
    };
    const fetch = async (path: unknown, init: RequestInit = {}) => {
        // Sent as it was when the call began, as a browser does it.
        const sent = state.cookie;
        await settled();
        if (state.away) throw new TypeError('away');
        if (path === '/v2/users/login') {
            state.valid = state.cookie += 1;
        } else if (path === '/v2/refresh') {
            if (state.busy > 0) return json({ code: 'too_many' }, 429, { 'retry-after': String(state.busy) });
            if (sent !== state.valid) {
                state.stolen ||= state.valid !== 0;
                return json({ code: 'bad_credentials', detail: 'the session has ended' }, 401);
            }
            state.valid = state.cookie += 1;
        } else if (path === '/v2/logout') {
            // The token, or the cookie alone: whatever is there of it.
            state.ended += 1;
            end();
            return new Response(null, { status: 204 });
        } else {
            const token = (init.headers as Record<string, string>).Authorization?.slice('Bearer '.length) ?? '';
            return state.access.has(token) ? json({ path }) : json({ code: 'unauthorized' }, 401);
        }
        const token = `token ${state.valid}`;
        state.access.add(token);
        return grant(token);
    };
    const tab = (tabs?: Tabs) => new Client(fetch as typeof globalThis.fetch, () => state.clock, tabs);
    return { state, tab, end };
}

describe('tabs of one browser', () => {
    it('renew one after the other, so that no refresh token is used twice', async () => {
        const [{ state, tab }, open] = [server(), browser()];
        const tabs = [tab(open()), tab(open()), tab(open())];
        const answers = await Promise.all(tabs.map(one => one.request('/v2/me')));
        expect(answers).toHaveLength(3);
        expect([state.stolen, state.valid]).toEqual([false, 4]);
        state.clock = 890_000;
        await Promise.all(tabs.map(one => one.request('/v2/me')));
        expect([state.stolen, state.valid]).toEqual([false, 7]);
    });

    it('are told when somebody signs in or out, but not by themselves', async () => {
        const [{ tab }, open] = [server(), browser()];
        const [first, second] = [tab(open()), tab(open())];
        const heard: string[] = [];
        first.tabs.listen(news => heard.push(`first ${news}`));
        second.tabs.listen(news => heard.push(`second ${news}`));
        await first.signIn('a', 'b');
        await first.signOut();
        // There is nobody to sign out any more.
        await second.signOut();
        expect(heard).toEqual(['second in', 'second out']);
    });
});

describe('a session that ends while somebody works', () => {
    it('lets calls wait until they have signed in again', async () => {
        const { tab, end } = server();
        const client = tab();
        await client.signIn('a', 'b');
        end();
        const saved = client.request('/v2/karanas', { method: 'POST', body: {} });
        const read = client.request('/v2/users');
        await client.ended.until(true);
        await client.signIn('a', 'b');
        client.ended.set(false);
        expect((await saved).body).toEqual({ path: '/v2/karanas' });
        expect((await read).body).toEqual({ path: '/v2/users' });
    });

    it('refuses them when they leave', async () => {
        const { tab, end } = server();
        const client = tab();
        await client.signIn('a', 'b');
        end();
        const read = client.request('/v2/users');
        await client.ended.until(true);
        await client.signOut();
        await expect(read).rejects.toMatchObject({ status: 401 });
        expect(client.ended.get()).toBe(false);
    });

    it('is none for those who have not signed in', async () => {
        const { tab, end } = server();
        end();
        const client = tab();
        await expect(client.request('/v2/users')).rejects.toMatchObject({ status: 401 });
        expect(await authProvider(client).getPermissions?.({})).toBeNull();
        expect(client.ended.get()).toBe(false);
    });
});

describe('signing out while the server is away', () => {
    const stage = async () => {
        const [{ state, tab }, open] = [server(), browser()];
        const client = tab(open());
        await client.signIn('a', 'b');
        state.away = true;
        await authProvider(client).logout({});
        await settled();
        return { state, client, another: () => tab(open()) };
    };

    it('lets nobody in by the cookie, in no tab and after no reload, and says that it is not done', async () => {
        const { state, client, another } = await stage();
        expect(client.unended.get()).toBe(true);
        const reloaded = another();
        endWhatIsLeft(reloaded);
        await vi.waitFor(() => expect(reloaded.unended.get()).toBe(true));
        state.away = false;
        for (const one of [client, another()]) {
            await expect(authProvider(one).checkAuth({})).rejects.toThrow();
            expect(await authProvider(one).getPermissions?.({})).toBeNull();
            expect(one.signedIn).toBe(false);
        }
        expect(state.valid).not.toBe(0);
    });

    it('is done as soon as the server answers, once', async () => {
        const { state, client, another } = await stage();
        const reloaded = another();
        for (const one of [client, reloaded]) endWhatIsLeft(one);
        await vi.waitFor(() => expect(reloaded.unended.get()).toBe(true));
        state.away = false;
        for (const one of [client, reloaded]) one.away.set(false);
        await vi.waitFor(() => expect([client.unended.get(), reloaded.unended.get()]).toEqual([false, false]));
        expect([state.ended, state.valid]).toEqual([1, 0]);
        // There is a next time.
        await reloaded.signIn('a', 'b');
        await authProvider(client).checkAuth({});
        expect(client.signedIn).toBe(true);
    });

    it('does not end the session of who signs in next', async () => {
        const { state, client, another } = await stage();
        state.away = false;
        const next = another();
        await Promise.all([next.signIn('c', 'd'), client.endLeft()]);
        expect((await next.request('/v2/me')).body).toEqual({ path: '/v2/me' });
        expect([client.unended.get(), next.unended.get()]).toEqual([false, false]);
        await authProvider(client).checkAuth({});
    });

    it('is not undone by a token that was on its way', async () => {
        const { state, tab } = server();
        const client = tab(browser()());
        await client.signIn('a', 'b');
        state.clock = 890_000;
        const renewed = client.renew();
        await Promise.resolve();
        await client.signOut();
        expect(await renewed).toBe(false);
        expect([client.signedIn, state.valid]).toEqual([false, 0]);
    });
});

describe('too many calls from an address', () => {
    afterEach(() => void vi.useRealTimers());

    it('end no session: it is gone on with when the server takes calls again', async () => {
        vi.useFakeTimers();
        const { state, tab } = server();
        const client = tab();
        state.busy = 42;
        let entered = false;
        const checked = authProvider(client).checkAuth({}).then(() => (entered = true));
        await vi.advanceTimersByTimeAsync(41_000);
        expect([entered, client.held.get()]).toEqual([false, true]);
        state.busy = 0;
        await vi.advanceTimersByTimeAsync(2_000);
        await checked;
        expect([client.signedIn, client.held.get()]).toEqual([true, false]);
    });
});

describe('who signs in in another tab', () => {
    it('is asked for, and not taken for nobody', async () => {
        const { state, tab } = server();
        const client = tab();
        state.valid = 0;
        const auth = authProvider(client);
        expect(await auth.getPermissions?.({})).toBeNull();
        state.valid = state.cookie;
        await auth.checkAuth({});
        expect(await auth.canAccess?.({ action: 'create', resource: 'keys' })).toBe(true);
        expect(await auth.getPermissions?.({})).not.toBeNull();
    });
});

describe('a server that is away', () => {
    it('is waited for before anybody is asked to sign in', async () => {
        const { state, tab } = server();
        const client = tab();
        state.away = true;
        const checked = authProvider(client).checkAuth({});
        await client.away.until(true);
        state.away = false;
        client.away.set(false);
        await checked;
        expect(client.signedIn).toBe(true);
    });

    it('is also one whose proxy answers for it', async () => {
        const proxy = async () => new Response('<h1>Bad Gateway</h1>', { status: 502, headers: { 'content-type': 'text/html' } });
        const client = new Client(proxy as typeof globalThis.fetch);
        await expect(client.signIn('a', 'b')).rejects.toMatchObject({ status: 502, code: 'unreachable' });
        expect(client.away.get()).toBe(true);
    });

    it('is not one that cannot write', async () => {
        const client = new Client((async () => json({ code: 'unavailable', detail: 'x' }, 503)) as typeof globalThis.fetch);
        await expect(client.signIn('a', 'b')).rejects.toMatchObject({ status: 503, code: 'unavailable' });
        expect(client.away.get()).toBe(false);
    });
});

it('a refusal tells when to try again', async () => {
    const client = new Client((async () => json({ code: 'x' }, 429, { 'retry-after': '42' })) as typeof globalThis.fetch);
    await expect(client.signIn('a', 'b')).rejects.toMatchObject({ status: 429, retryAfter: 42 });
});
