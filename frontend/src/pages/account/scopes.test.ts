import polyglotI18nProvider from 'ra-i18n-polyglot';
import { describe, expect, it } from 'vitest';
import english from '../../language/en';
import german from '../../language/de';
import { curl } from './curl';
import { inWords, lines, scopes } from './scopes';

describe('the scopes of a key', () => {
    it('say each resource with its verbs', () => {
        expect(scopes({ reach: 'own', records: { karanas: ['read'], users: ['read', 'create'] }, server: ['metrics', 'sync'] })).toEqual([
            'karanas:read:own', 'users:read:own', 'users:create:own', 'sync', 'metrics',
        ]);
    });

    it('read what they change', () => {
        expect(scopes({ records: { karanas: ['update'] } })).toEqual(['karanas:read:all', 'karanas:update:all']);
    });

    it('are short when they are for everything', () => {
        expect(scopes({ records: { karanas: ['delete', 'read', 'update', 'create'] } })).toEqual(['karanas:*:all']);
        const every = { '*': ['read', 'create', 'update', 'delete'] as const };
        expect(scopes({ records: { '*': [...every['*']], karanas: ['read', 'create', 'update', 'delete'] } })).toEqual(['*:*:all']);
    });

    it('say of a resource only what does not hold for all', () => {
        expect(scopes({ records: { '*': ['read'], karanas: ['read', 'update'] } })).toEqual(['*:read:all', 'karanas:update:all']);
    });

    it('are none when nothing is chosen', () => {
        expect(scopes({ records: { karanas: [], users: undefined } })).toEqual([]);
    });
});

describe('scopes in words', () => {
    const translator = (words: object) => polyglotI18nProvider(() => words as typeof english).translate;

    it('put together what is said of one resource', () => {
        const { records, server } = lines(['karanas:update:all', 'karanas:read:all', 'karanas:delete:own', 'sync']);
        expect(records).toEqual([
            { resource: 'karanas', reach: 'all', verbs: ['read', 'update'] },
            { resource: 'karanas', reach: 'own', verbs: ['delete'] },
        ]);
        expect(server).toEqual(['sync']);
    });

    it('are whole lines', () => {
        const words = inWords(['karanas:read:all', 'karanas:update:all', '*:*:own', 'pumps:read:all', 'sync'], translator(english));
        expect(words).toEqual(['Karanas (all): read, change', 'All records (own): everything', 'pumps (all): read', 'start a sync']);
    });

    it('are in the language of the page', () => {
        expect(inWords(['users:read:own', 'metrics'], translator(german))).toEqual([
            'Besitzer (eigene): lesen', 'Kennzahlen und Zustand lesen',
        ]);
    });
});

describe('the command that tries a key', () => {
    const command = (...texts: string[]) => curl('http://x', { key: 'karana_a', scopes: texts });

    it('asks for what the key may read', () => {
        expect(command('sync', 'users:read:own')).toBe(`curl -H 'Authorization: Bearer karana_a' 'http://x/v2/users?limit=10'`);
        expect(command('*:*:all')).toContain('/v2/karanas?limit=10');
    });

    it('asks for something else when it reads no records', () => {
        expect(command('metrics')).toContain('http://x/metrics');
        expect(command('sync')).toContain('http://x/v2/me');
    });
});
