// An owner as the API has it.
import type { RaRecord } from 'react-admin';
import type { Role } from '../../authProvider';
import type { Sync } from '../../components/SyncState';

export interface User extends RaRecord {
    id: string;
    name: string;
    email: string;
    role: Role;
    state: 'active' | 'suspended';
    created_at: string;
    credentials?: { login?: string; password?: string | null };
    /** Absent for those who may not see them. */
    password_influx?: string;
    password_grafana?: string;
    status?: { sync: Sync | null };
    _etag?: string;
}

/** What a form for an owner holds. */
export interface UserInput {
    name?: string | null;
    email?: string;
    role?: Role;
    credentials?: { login?: string; password?: string | null };
    /** Of a new one: set at once, or by a link. */
    how?: 'by_hand' | 'by_link';
}

/** What is sent: one signs in with the address, and the name may be empty but has to be said. */
export function sent({ how, ...input }: UserInput, before?: { email?: string }): UserInput {
    const user = { ...input, name: input.name ?? '' };
    if (how === 'by_link') return { ...user, credentials: { login: user.email, password: unknowable() } };
    if (before !== undefined && before.email === user.email) return user;
    return { ...user, credentials: { ...user.credentials, login: user.email } };
}

/** A password that nobody knows, until the owner sets another one by a link. */
function unknowable(): string {
    return [...crypto.getRandomValues(new Uint8Array(32))].map(byte => byte.toString(16).padStart(2, '0')).join('');
}

/** The address of a link to a password; a server without `public_url` names the path alone. */
export const absolute = (url: string, origin: string): string => new URL(url, origin).href;
