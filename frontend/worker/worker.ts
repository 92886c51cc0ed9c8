// The page's service worker: keeps the page itself, so that it is there at once on any line. It answers with the page as the
// server had it the last time, and asks behind it whether there is another one by now, for the next time. What the page asks of
// the server is none of its business.

export type {};
declare const self: ServiceWorkerGlobalScope;

/** What keeps the page; a cache for the files of each build is beside it, named by the build. */
const PAGE = 'page';

/** So long after it has come the page is asked for anew, in milliseconds. */
const LATER = 1_000;

// Not known to TypeScript yet, nor to every browser: what is the server's alone goes there without a detour.
interface Routing {
    addRoutes?(rules: { condition: { urlPattern: { pathname: string } }; source: 'network' | 'fetch-event' }[]): Promise<void>;
}
const ROUTES = ([['/', 'fetch-event'], ['/assets/*', 'fetch-event'], ['*', 'network']] as const)
    .map(([pathname, source]) => ({ condition: { urlPattern: { pathname } }, source }));

self.addEventListener('install', event => {
    void self.skipWaiting();
    event.waitUntil(Promise.all([renew(), (event as Routing).addRoutes?.(ROUTES).catch(() => {})]));
});

self.addEventListener('fetch', event => {
    const { request } = event;
    const { origin, pathname } = new URL(request.url);
    if (origin !== self.location.origin || request.method !== 'GET') return;
    if (pathname === '/' && request.mode === 'navigate') {
        event.respondWith(kept().catch(() => undefined).then(page => page ?? fetch(request)));
        // What the page itself asks for goes first.
        event.waitUntil(new Promise(resolve => setTimeout(resolve, LATER)).then(renew));
    } else if (pathname.startsWith('/assets/')) {
        event.respondWith(asset(request));
    }
});

/** The page, if it is kept with what it begins with. */
async function kept(): Promise<Response | undefined> {
    const page = await caches.match('/', { cacheName: PAGE });
    const text = (await page?.text()) ?? '';
    const build = buildOf(text);
    if (page === undefined || build === undefined || !(await caches.match(build))) return undefined;
    // As from the server: no two answers have the same.
    const policy = page.headers.get('content-security-policy') ?? '';
    const nonce = /'nonce-([^']+)'/.exec(policy)?.[1];
    if (nonce === undefined) return undefined;
    const another = crypto.randomUUID().replaceAll('-', '');
    const headers = new Headers(page.headers);
    headers.set('content-security-policy', policy.replaceAll(nonce, another));
    // Of the text as it came.
    for (const name of ['content-encoding', 'content-length']) headers.delete(name);
    return new Response(text.replaceAll(nonce, another), { headers });
}

/** Its names hold hashes of what is in the files: what is kept is right. */
async function asset(request: Request): Promise<Response> {
    const file = await caches.match(request, { ignoreVary: true }).catch(() => undefined);
    if (file !== undefined) return file;
    const answer = await fetch(request);
    if (answer.ok) {
        const copy = answer.clone();
        // Where there is no room it comes from the server the next time, too.
        void current().then(async build => build && (await caches.open(build)).put(request, copy)).catch(() => {});
    } else if (answer.status === 404) {
        // Of a page that the server has no more. Whoever loads it anew now gets the one that it has; what is on its way already
        // may have been asked for before.
        await renewing?.catch(() => {});
        await renew().catch(() => {});
    }
    return answer;
}

/** The build of the page that is kept. */
async function current(): Promise<string | undefined> {
    const page = await caches.match('/', { cacheName: PAGE });
    return buildOf((await page?.text()) ?? '');
}

let renewing: Promise<void> | undefined;

/** Keeps the page that the server has now; once for all who ask at a time. */
const renew = (): Promise<void> => (renewing ??= renewOnce().finally(() => (renewing = undefined)));

async function renewOnce(): Promise<void> {
    const answer = await fetch('/', { cache: 'no-store', redirect: 'manual', priority: 'low' }).catch(() => undefined);
    // Away, or a proxy that says so.
    if (answer === undefined || answer.status >= 500) return;
    const files = filesOf(await answer.clone().text());
    const build = buildOf(files.join());
    if (!answer.ok || build === undefined) {
        // A program without its page; or somebody asks first who one is. They are to be seen.
        await leave();
        return;
    }
    const former = await current();
    const cache = await caches.open(build);
    await Promise.all(files.map(async file => (await cache.match(file)) ?? cache.add(file)));
    await (await caches.open(PAGE)).put('/', answer);
    // What is open still has the former one's files; the next time nobody has.
    for (const name of await caches.keys()) if (![PAGE, build, former].includes(name)) await caches.delete(name);
}

async function leave(): Promise<void> {
    for (const name of await caches.keys()) await caches.delete(name);
    await self.registration.unregister();
}

const filesOf = (page: string): string[] => [...new Set(page.match(/\/assets\/[\w.-]+/g))];

/** The script that the page begins with: it names all others, and its own name holds a hash of it. */
const buildOf = (page: string): string | undefined => /\/assets\/start-[\w-]+\.js/.exec(page)?.[0];
