// Which fields of an owner somebody may change: the server's table in src/auth/policy.rs, as far as it is offered here.
import { type Standing, abilities } from '../../authProvider';
import type { User } from './user';

const ALL = ['name', 'email', 'role', 'state', 'credentials.password'];
const OF_ONESELF = ['name', 'credentials.password'];

export function changeable(standing: Standing | undefined, user: Pick<User, 'id' | 'role'>): string[] {
    const may = abilities(standing, 'users')?.update;
    if (standing === undefined || !may) return [];
    const isOneself = standing.me.uuid === user.id;
    if (Array.isArray(may)) return isOneself ? may : [];
    if (standing.me.role === 'admin' || user.role === 'client') return ALL;
    return isOneself ? OF_ONESELF : [];
}

/** Whether one may do to the owner what is for admins, and for managers with clients: delete it, make it a link. */
export const isInCharge = (standing: Standing | undefined, user: Pick<User, 'role'>): boolean =>
    standing?.me.role === 'admin' || (standing?.me.role === 'manager' && user.role === 'client');
