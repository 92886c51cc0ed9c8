import { describe, expect, it, vi } from 'vitest';
import type { Role, Standing } from '../../authProvider';
import { changeable, isInCharge } from './changeable';
import { absolute, sent } from './user';

const standing = (role: Role, update: boolean | string[]): Standing => ({
    version: '0', tenant: { id: 't', name: 'T' }, influxdb: null, grafana: null, sync: false,
    resources: [{ name: 'users', create: false, update, delete: false }],
    me: { uuid: 'me', name: 'Me', email: 'me@example.org', role },
});

describe('the fields of an owner', () => {
    it('may all be changed by an admin, and those of clients by a manager', () => {
        expect(changeable(standing('admin', true), { id: 'x', role: 'manager' })).toContain('role');
        expect(changeable(standing('manager', true), { id: 'x', role: 'client' })).toContain('email');
        expect(changeable(standing('manager', true), { id: 'x', role: 'admin' })).toEqual([]);
        expect(changeable(standing('manager', true), { id: 'me', role: 'manager' })).toEqual(['name', 'credentials.password']);
    });

    it('are else for oneself, as the server says', () => {
        const client = standing('client', ['name', 'credentials.password']);
        expect(changeable(client, { id: 'me', role: 'client' })).toEqual(['name', 'credentials.password']);
        expect(changeable(client, { id: 'x', role: 'client' })).toEqual([]);
        expect(changeable(standing('viewer', false), { id: 'me', role: 'viewer' })).toEqual([]);
    });

    it('belong to those whom a manager is in charge of', () => {
        expect(isInCharge(standing('manager', true), { role: 'client' })).toBe(true);
        expect(isInCharge(standing('manager', true), { role: 'viewer' })).toBe(false);
        expect(isInCharge(standing('client', true), { role: 'client' })).toBe(false);
    });
});

describe('what is sent of an owner', () => {
    it('signs in with the address, and has a name', () => {
        expect(sent({ email: 'a@example.org', credentials: { password: 'secret' } })).toEqual({
            name: '', email: 'a@example.org', credentials: { login: 'a@example.org', password: 'secret' },
        });
    });

    it('leaves the login alone while the address stays', () => {
        const before = { email: 'a@example.org' };
        expect(sent({ name: 'A', email: 'a@example.org', credentials: { login: 'A@example.org' } }, before).credentials?.login).toBe('A@example.org');
        expect(sent({ name: 'A', email: 'b@example.org' }, before).credentials?.login).toBe('b@example.org');
    });

    it('has a password that nobody knows when a link is to be handed over', () => {
        // Browsers have it, Node.js only from version 20 on.
        const fill = (bytes: Uint8Array) => bytes.map(() => Math.floor(Math.random() * 256));
        if (globalThis.crypto === undefined) vi.stubGlobal('crypto', { getRandomValues: fill });
        const [one, other] = [sent({ email: 'a@example.org', how: 'by_link' }), sent({ email: 'a@example.org', how: 'by_link' })];
        expect(one.credentials?.password).toMatch(/^[0-9a-f]{64}$/);
        expect(one.credentials?.password).not.toBe(other.credentials?.password);
        expect(one).not.toHaveProperty('how');
    });
});

describe('a link to a password', () => {
    it('is whole, also where the server knows no address of its own', () => {
        expect(absolute('/#/password?token=x', 'https://karana.example.org')).toBe('https://karana.example.org/#/password?token=x');
        expect(absolute('https://other.example.org/#/password?token=x', 'https://karana.example.org')).toMatch(/^https:\/\/other/);
    });
});
