import type { AuthProvider } from 'react-admin';
import { type Client, Refusal } from './client';

export type Role = 'admin' | 'manager' | 'viewer' | 'client';

export interface Me {
    uuid: string;
    name: string;
    email: string;
    role: Role;
}

/** What one may do with a resource, with some of its records at least. */
export interface Abilities {
    name: string;
    create: boolean;
    /** Whether at all, or which fields. */
    update: boolean | string[];
    delete: boolean;
}

/** `GET /v2/about` */
export interface About {
    version: string;
    tenant: { id: string; name: string };
    /** Where devices write. */
    influxdb: { host: string; port: number } | null;
    /** Where owners find Grafana. */
    grafana: { url: string } | null;
    resources: Abilities[];
    /** Whether one may see and start sync. */
    sync: boolean;
    /** For admins and managers. */
    health?: Health;
}

export interface Health {
    status: string;
    store: { takes_writes: boolean; revision: string; records: Record<string, number>; history: unknown };
    sync: Record<string, { state: string; last_round: string | null; failures: unknown[] }>;
    backup: string | Backup;
}

export interface Backup {
    remote: string;
    pushed: { revision: string; at: string } | null;
    behind_since: string | null;
    behind_seconds: number;
    error: { reason: string; at: string; next_try: string } | null;
    failures: number;
}

/** Who is signed in, and what they meet here: react-admin's permissions. */
export interface Standing extends About {
    me: Me;
}

export const abilities = (standing: Standing | undefined, resource: string): Abilities | undefined =>
    standing?.resources.find(one => one.name === resource);

// Everybody has keys of their own; they are no part of what `/v2/about` lists.
const KEYS: Abilities = { name: 'keys', create: true, update: false, delete: true };

// For so long what one may do is not asked for again, in milliseconds.
const FRESH = 5_000;

export function authProvider(client: Client): AuthProvider {
    let known: Promise<Standing | null> | null = null;
    let askedAt = 0;
    // A server that is away says nothing about who is signed in.
    const patiently = async <T>(task: () => Promise<T>): Promise<T> => {
        for (;;) {
            try {
                return await task();
            } catch (error) {
                if (!(error instanceof Refusal) || error.code !== 'unreachable') throw error;
                await client.away.until(false);
            }
        }
    };
    const standing = () => {
        const ask = async () => {
            // Pages for nobody in particular ask as well.
            if (!(await client.ready())) return null;
            const [me, about] = await Promise.all([client.request('/v2/me'), client.request('/v2/about')]);
            return { ...(about.body as unknown as About), me: me.body as unknown as Me };
        };
        if (known === null) {
            askedAt = Date.now();
            // Who is nobody may be somebody in a moment, without a word to this: in another tab.
            const asked = patiently(ask);
            const forget = () => {
                if (known === asked) known = null;
            };
            asked.then(found => found === null && forget(), forget);
            known = asked;
        }
        return known;
    };
    return {
        async login({ username, password }: { username: string; password: string }) {
            known = null;
            await client.signIn(username, password);
        },
        async logout() {
            known = null;
            // Also react-admin's answer to a session that has ended. The page is left at once; a server that is slow, or away,
            // hears of it when it can.
            void client.signOut();
        },
        async checkAuth() {
            if (!(await patiently(() => client.ready()))) throw new Error();
        },
        async checkError(error: unknown) {
            if (!(error instanceof Refusal) || error.status !== 401) return;
            client.forget();
            throw error;
        },
        getPermissions() {
            // Several ask at a start, each a round trip after the other.
            if (Date.now() - askedAt > FRESH) known = null;
            return standing();
        },
        async getIdentity() {
            const known = await standing();
            if (known === null) throw new Error();
            const { uuid, name, email } = known.me;
            return { id: uuid, fullName: name || email };
        },
        // What is offered. Of which record it holds the server decides.
        async canAccess({ action, resource }: { action: string; resource: string }) {
            const known = await standing();
            const may = resource === KEYS.name && known !== null ? KEYS : abilities(known ?? undefined, resource);
            if (may === undefined) return false;
            if (action === 'create') return may.create;
            if (action === 'edit') return may.update !== false;
            if (action === 'delete') return may.delete;
            return true;
        },
    };
}
