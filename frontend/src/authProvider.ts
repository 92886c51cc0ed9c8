import type { AuthProvider } from 'react-admin';
import { type Client, Refusal } from './client';

export type Role = 'admin' | 'manager' | 'viewer' | 'client';

export interface Me {
    uuid: string;
    name: string;
    email: string;
    role: Role;
}

// What a role may do at all, for what is offered. Which record is meant decides the server.
const MAY: Record<Role, Record<string, string[]>> = {
    admin: { users: ['create', 'edit', 'delete'], karanas: ['create', 'edit', 'delete'] },
    manager: { users: ['create', 'edit', 'delete'], karanas: ['create', 'edit', 'delete'] },
    viewer: {},
    client: { karanas: ['edit'] },
};

export function authProvider(client: Client): AuthProvider {
    let me: Promise<Me> | null = null;
    const whoAmI = () => {
        me ??= client.request('/v2/me').then(
            ({ body }) => body as unknown as Me,
            error => {
                me = null;
                throw error;
            },
        );
        return me;
    };
    return {
        async login({ username, password }: { username: string; password: string }) {
            me = null;
            await client.signIn(username, password);
        },
        async logout() {
            me = null;
            // Also react-admin's answer to a session that has ended.
            await client.signOut().catch(() => {});
        },
        async checkAuth() {
            if (!client.signedIn && !(await client.renew())) throw new Error();
        },
        async checkError(error: unknown) {
            if (!(error instanceof Refusal) || error.status !== 401) return;
            client.forget();
            throw error;
        },
        async getPermissions() {
            return (await whoAmI()).role;
        },
        async getIdentity() {
            const { uuid, name, email } = await whoAmI();
            return { id: uuid, fullName: name || email };
        },
        async canAccess({ action, resource }: { action: string; resource: string }) {
            if (action === 'list' || action === 'show' || action === 'export') return true;
            const { role } = await whoAmI();
            return MAY[role][resource]?.includes(action) ?? false;
        },
    };
}
