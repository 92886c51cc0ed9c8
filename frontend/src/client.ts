// One way to the server for all of the page. The access token is in memory alone; what renews it is in a cookie that no
// script can read.

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
}

// Renewed so long before its end, in milliseconds.
const MARGIN = 30_000;

export class Client {
    private token: string | null = null;
    private endsAt = 0;
    private renewing: Promise<boolean> | null = null;

    constructor(
        private readonly fetch: typeof globalThis.fetch = (...call) => globalThis.fetch(...call),
        private readonly now: () => number = Date.now,
    ) {}

    get signedIn(): boolean {
        return this.token !== null;
    }

    async signIn(user: string, password: string): Promise<void> {
        this.take(await this.send('/v2/users/login', { method: 'POST', body: { user, password, cookie: true } }));
    }

    /** Ends the session. Whatever comes of it: the token is forgotten. */
    async signOut(): Promise<void> {
        try {
            if (this.token !== null) await this.request('/v2/logout', { method: 'POST' });
        } finally {
            this.token = null;
        }
    }

    forget(): void {
        this.token = null;
    }

    /** A new token for the cookie, if there is one; once for all who ask at a time. */
    renew(): Promise<boolean> {
        this.renewing ??= this.renewOnce().finally(() => {
            this.renewing = null;
        });
        return this.renewing;
    }

    /** A call on behalf of who is signed in. A token that has ended is renewed, once. */
    async request(path: string, request: Request = {}): Promise<Answer> {
        if (this.token === null || this.now() > this.endsAt - MARGIN) await this.renew();
        if (this.token === null) throw new Refusal(401, 'unauthorized', 'nobody is signed in');
        try {
            return await this.send(path, request);
        } catch (error) {
            if (!(error instanceof Refusal) || error.status !== 401) throw error;
            if (!(await this.renew())) throw error;
            return this.send(path, request);
        }
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
    async open(path: string, request: RequestInit & { headers?: Record<string, string> } = {}): Promise<Response> {
        if (this.token === null || this.now() > this.endsAt - MARGIN) await this.renew();
        if (this.token === null) throw new Refusal(401, 'unauthorized', 'nobody is signed in');
        const headers = { ...request.headers, Authorization: `Bearer ${this.token}` };
        let answer: Response;
        try {
            answer = await this.fetch(path, { ...request, headers, credentials: 'same-origin' });
        } catch (error) {
            if (request.signal?.aborted) throw error;
            throw new Refusal(0, 'unreachable', 'karana.unreachable');
        }
        if (answer.ok) return answer;
        throw refusal(answer.status, parse(await answer.text()));
    }

    private async renewOnce(): Promise<boolean> {
        try {
            this.take(await this.send('/v2/refresh', { method: 'POST', body: {} }));
            return true;
        } catch (error) {
            // A server that is away has not ended the session.
            if (!(error instanceof Refusal) || (error.status !== 400 && error.status !== 401)) throw error;
            this.token = null;
            return false;
        }
    }

    private take(answer: Answer): void {
        const grant = answer.body as unknown as Grant;
        this.token = grant.access_token;
        this.endsAt = this.now() + grant.expires_in * 1000;
    }

    private async send(path: string, { method = 'GET', body, ifMatch }: Request): Promise<Answer> {
        const headers: Record<string, string> = { Accept: 'application/json' };
        if (this.token !== null) headers.Authorization = `Bearer ${this.token}`;
        if (body !== undefined) headers['Content-Type'] = 'application/json';
        if (ifMatch !== undefined) headers['If-Match'] = ifMatch;
        let answer: Response;
        try {
            answer = await this.fetch(path, {
                method,
                headers,
                body: body === undefined ? undefined : JSON.stringify(body),
                credentials: 'same-origin',
            });
        } catch {
            throw new Refusal(0, 'unreachable', 'karana.unreachable');
        }
        const text = await answer.text();
        const parsed = parse(text);
        if (answer.ok) return { body: parsed, etag: answer.headers.get('etag') };
        throw refusal(answer.status, parsed);
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
export function refusal(status: number, problem: Json): Refusal {
    // Not of our server: a proxy between, say.
    if (problem === null || typeof problem !== 'object' || Array.isArray(problem)) {
        return new Refusal(status, 'unknown', `HTTP ${status}`);
    }
    const { code, detail, title, errors } = problem;
    const findings = Array.isArray(errors) ? (errors as unknown as Finding[]) : [];
    return new Refusal(status, String(code ?? 'unknown'), String(detail ?? title ?? `HTTP ${status}`), findings);
}
