// One way to the server for all of the page. The access token is in memory alone; what renews it is in a cookie that no
// script can read, and that all tabs of the browser share.

import { Flag } from './flag';
import { type Tabs, single } from './tabs';

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** What is wrong with a field, or with the whole. */
export interface Finding {
    field: string;
    code: string;
    message: string;
}

/** A refusal of the server, or none of an answer (status 0). */
export class Refusal extends Error {
    constructor(
        readonly status: number,
        readonly code: string,
        detail: string,
        readonly findings: Finding[] = [],
        /** After how many seconds it may be tried again, if the server says so. */
        readonly retryAfter: number | null = null,
    ) {
        super(detail);
    }
}

export interface Answer {
    body: Json;
    etag: string | null;
}

export interface Request {
    method?: string;
    body?: Json;
    ifMatch?: string;
}

interface Grant {
    access_token: string;
    expires_in: number;
    /** As `GET /v2/me` and `GET /v2/about` tell it; an older server than the page does not. */
    me?: { [name: string]: Json };
    about?: { [name: string]: Json };
}

// Renewed so long before its end, in milliseconds.
const MARGIN = 30_000;

// So long nobody is told that signing out takes its time, in milliseconds.
const PATIENCE = 2_000;
// Waits when there were too many calls and the server does not say for how long, in seconds.
const HOLD = 5;

// For so long an answer that nobody has asked for yet is one of now, in milliseconds.
const FRESH = 10_000;

export class Client {
    /** The server does not answer. */
    readonly away = new Flag();
    /** The session has ended while somebody was working. Their calls wait until this is over. */
    readonly ended = new Flag();
    /** The server takes no more calls from this address for a while. They wait. */
    readonly held = new Flag();
    /** Somebody has signed out here, and the server has not ended their session yet. */
    readonly unended = new Flag();
    /** Somebody is signed in, or works on and will be again in a moment. */
    readonly somebody = new Flag();
    /** The session has been asked for, or nobody has one. */
    readonly begun = new Flag();

    /** Answers that are on their way before somebody asks. */
    private readonly asked = new Map<string, { at: number; answer: Promise<Answer> }>();
    private token: string | null = null;
    private endsAt = 0;
    private working = false;
    private renewing: Promise<boolean> | null = null;

    constructor(
        private readonly fetch: typeof globalThis.fetch = (...call) => globalThis.fetch(...call),
        private readonly now: () => number = Date.now,
        readonly tabs: Tabs = single(),
        /** Called when somebody is there, before anybody else knows. */
        private readonly onPerson: (client: Client, role: string) => void = () => {},
    ) {}

    get signedIn(): boolean {
        return this.token !== null;
    }

    async signIn(user: string, password: string): Promise<void> {
        // Alone, so that what ends the session that was left does not end this one.
        const grant = await this.tabs.alone(async () => {
            if (this.tabs.left.get()) await this.end().catch(() => {});
            const answer = await this.send('/v2/users/login', { method: 'POST', body: { user, password, cookie: true } });
            this.tabs.left.set(false);
            return answer;
        });
        this.unended.set(false);
        this.take(grant);
        this.tabs.tell('in');
    }

    /**
     * Nobody is signed in here from now on, whatever the server says. What is awaited is that it has ended the session:
     * see `endLeft` for one that is away.
     */
    async signOut(): Promise<void> {
        const bearer = this.authorization();
        const signedIn = this.token !== null;
        this.forget();
        if (!signedIn) return;
        this.tabs.left.set(true);
        this.tabs.tell('out');
        await this.endLeft(bearer);
    }

    /** Ends all sessions of this user. If that fails, they stay. */
    async signOutEverywhere(): Promise<void> {
        await this.request('/v2/logout-all', { method: 'POST' });
        this.forget();
        this.tabs.tell('out');
    }

    /** Ends the session that was left here, by its cookie, if the server may still have it. Whether that is done. */
    async endLeft(bearer: Record<string, string> = {}): Promise<boolean> {
        const late = setTimeout(() => this.unended.set(this.tabs.left.get()), PATIENCE);
        try {
            if (this.tabs.left.get()) {
                await this.tabs.alone(async () => {
                    // Another tab may have done it.
                    if (this.tabs.left.get()) await this.end(bearer);
                    this.tabs.left.set(false);
                });
            }
            this.unended.set(false);
        } catch {
            this.unended.set(this.tabs.left.get());
        } finally {
            clearTimeout(late);
        }
        return !this.unended.get();
    }

    private async end(bearer: Record<string, string> = {}): Promise<void> {
        try {
            await this.send('/v2/logout', { method: 'POST' }, bearer);
        } catch (error) {
            // There is none any more.
            if (!(error instanceof Refusal) || error.status !== 401) throw error;
        }
    }

    forget(): void {
        this.token = null;
        this.working = false;
        this.asked.clear();
        this.ended.set(false);
        this.somebody.set(false);
    }

    /** A new token for the cookie, if there is one; once for all who ask at a time. */
    renew(): Promise<boolean> {
        this.renewing ??= this.renewOnce().finally(() => {
            this.renewing = null;
        });
        return this.renewing;
    }

    /** Whether there is somebody to make calls for; if their session has ended, when they have signed in again. */
    async ready(): Promise<boolean> {
        if (this.tabs.left.get()) this.forget();
        if (this.token === null && this.ended.get()) return this.again();
        if (this.token === null || this.now() > this.endsAt - MARGIN) await this.renew();
        return this.token !== null || this.again();
    }

    /** A call on behalf of who is signed in. A token that has ended is renewed, once. */
    request(path: string, request: Request = {}): Promise<Answer> {
        const call = () => this.authorised(() => this.send(path, request));
        // What is known from before a change may be another thing by now.
        if ((request.method ?? 'GET') !== 'GET') return call().finally(() => this.asked.clear());
        const asked = this.asked.get(path);
        this.asked.delete(path);
        return asked !== undefined && this.now() - asked.at < FRESH ? asked.answer : call();
    }

    /** Asks for what will be asked for in a moment: whoever does that gets this answer, once. */
    ahead(path: string): void {
        this.expect(path, this.request(path));
    }

    private expect(path: string, answer: Promise<Answer>): void {
        // Also if nobody comes for it.
        answer.catch(() => {});
        this.asked.set(path, { at: this.now(), answer });
    }

    /** A stream of events on behalf of who is signed in, after the event `last`. */
    async stream(path: string, last: string | undefined, signal: AbortSignal, method = 'GET'): Promise<ReadableStream<Uint8Array>> {
        const headers: Record<string, string> = { Accept: 'text/event-stream' };
        if (last !== undefined) headers['Last-Event-ID'] = last;
        const answer = await this.open(path, { method, headers, signal });
        if (answer.body === null) throw new Refusal(answer.status, 'unknown', `HTTP ${answer.status}`);
        return answer.body;
    }

    /** The answer as it comes, on behalf of who is signed in: of what is no JSON, such as a table, or events. */
    open(path: string, request: RequestInit & { headers?: Record<string, string> } = {}): Promise<Response> {
        return this.authorised(async () => {
            const headers = { ...request.headers, ...this.authorization() };
            const answer = await this.reach(path, { ...request, headers });
            if (answer.ok) return answer;
            throw refusal(answer.status, parse(await answer.text()), answer.headers);
        });
    }

    /** Sets another password, by the token of a link; nobody needs to be signed in. */
    async setPassword(token: string, password: string): Promise<void> {
        await this.send('/v2/password', { method: 'POST', body: { token, password } });
    }

    private async authorised<T>(call: () => Promise<T>): Promise<T> {
        if (!(await this.ready())) throw new Refusal(401, 'unauthorized', 'nobody is signed in');
        try {
            return await call();
        } catch (error) {
            if (!(error instanceof Refusal) || error.status !== 401) throw error;
            if (!(await this.renew()) && !(await this.again())) throw error;
            return call();
        }
    }

    /** Waits until whoever was working has signed in again, or has left. */
    private async again(): Promise<boolean> {
        if (!this.working) return false;
        this.ended.set(true);
        await this.ended.until(false);
        return this.token !== null;
    }

    private async renewOnce(): Promise<boolean> {
        const refresh = () => {
            const answer = this.send('/v2/refresh', { method: 'POST', body: {} });
            this.begun.set(true);
            return answer;
        };
        const none = new Refusal(401, 'unauthorized', 'there is no session');
        try {
            if (!this.tabs.haveSession() || this.tabs.left.get()) throw none;
            const grant = await this.patiently(() => this.tabs.alone(refresh));
            // Somebody has signed out meanwhile.
            if (this.tabs.left.get()) throw none;
            this.take(grant);
            return true;
        } catch (error) {
            // A server that is away has not ended the session.
            if (!(error instanceof Refusal) || (error.status !== 400 && error.status !== 401)) throw error;
            this.token = null;
            this.asked.clear();
            return false;
        } finally {
            this.begun.set(true);
        }
    }

    /** Too many calls, of whoever is at the same address, say nothing of a session: it is asked for again when it may be. */
    private async patiently<T>(task: () => Promise<T>): Promise<T> {
        for (;;) {
            try {
                return await task();
            } catch (error) {
                if (!(error instanceof Refusal) || error.status !== 429) throw error;
                this.held.set(true);
                await new Promise(resolve => setTimeout(resolve, 1_000 * Math.max(1, error.retryAfter ?? HOLD)));
            } finally {
                this.held.set(false);
            }
        }
    }

    private take(answer: Answer): void {
        const grant = answer.body as unknown as Grant;
        const isNew = this.token === null;
        this.token = grant.access_token;
        this.endsAt = this.now() + grant.expires_in * 1000;
        this.working = true;
        this.somebody.set(true);
        for (const what of ['me', 'about'] as const) {
            const body = grant[what];
            if (body !== undefined) this.expect(`/v2/${what}`, Promise.resolve({ body, etag: null }));
        }
        if (isNew && grant.me !== undefined) this.onPerson(this, String(grant.me.role));
    }

    private authorization(): Record<string, string> {
        return this.token === null ? {} : { Authorization: `Bearer ${this.token}` };
    }

    private async send(
        path: string, { method = 'GET', body, ifMatch }: Request, bearer = this.authorization(),
    ): Promise<Answer> {
        const headers: Record<string, string> = { ...bearer, Accept: 'application/json' };
        if (body !== undefined) headers['Content-Type'] = 'application/json';
        if (ifMatch !== undefined) headers['If-Match'] = ifMatch;
        const answer = await this.reach(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
        const parsed = parse(await answer.text());
        if (answer.ok) return { body: parsed, etag: answer.headers.get('etag') };
        throw refusal(answer.status, parsed, answer.headers);
    }

    /** The answer of the server; what a proxy says of a server that is away is none. */
    private async reach(path: string, init: RequestInit): Promise<Response> {
        const answer = await this.fetch(path, { credentials: 'same-origin', ...init }).catch((reason: unknown) => {
            if (init.signal?.aborted) throw reason;
            return null;
        });
        const answers = answer !== null && (answer.status < 500 || /json/.test(answer.headers.get('content-type') ?? ''));
        this.away.set(!answers);
        if (!answers) throw new Refusal(answer?.status ?? 0, 'unreachable', 'karana.unreachable');
        return answer;
    }
}

function parse(text: string): Json {
    try {
        return text === '' ? null : (JSON.parse(text) as Json);
    } catch {
        return null;
    }
}

/** Of problem details (RFC 9457). */
export function refusal(status: number, problem: Json, headers = new Headers()): Refusal {
    // Not of our server: a proxy between, say.
    if (problem === null || typeof problem !== 'object' || Array.isArray(problem)) {
        return new Refusal(status, 'unknown', `HTTP ${status}`);
    }
    const { code, detail, title, errors } = problem;
    const findings = Array.isArray(errors) ? (errors as unknown as Finding[]) : [];
    const wait = headers.get('retry-after');
    return new Refusal(
        status,
        String(code ?? 'unknown'),
        String(detail ?? title ?? `HTTP ${status}`),
        findings,
        wait === null ? null : Number(wait),
    );
}
