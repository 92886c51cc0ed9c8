import { describe, expect, it } from 'vitest';
import { Client, type Json } from '../client';
import { compared, merged } from './threeWay';
import { nextDeletion, noteDeletion, undo } from './undo';
import { type Entry, type Operation, applied, differences, named, versions } from './versions';

const entry = (action: Entry['action'], patch: Operation[], more: Partial<Entry> = {}): Entry => ({
    resource: 'karanas', uuid: 'k', action, patch, revision: action, time: '', actor: 'users/a', author: 'A', ...more,
});
const MADE = { uuid: 'k', name: 'Roof', note: '', config: { signal: 10, series: 'data' } };
const PAST = [
    entry('delete', [{ op: 'remove', path: '' }]),
    entry('update', [{ op: 'replace', path: '/config/signal', value: 5 }, { op: 'replace', path: '/note', value: 'new' }]),
    entry('create', [{ op: 'add', path: '', value: MADE }]),
];

describe('patches', () => {
    it('are applied to fields, inner fields, and lists', () => {
        expect(applied(MADE, [{ op: 'add', path: '/a~1b', value: 1 }, { op: 'remove', path: '/config/series' }])).toEqual({
            ...MADE, 'a/b': 1, config: { signal: 10 },
        });
        expect(applied({ of: [1, 2, 3] }, [{ op: 'remove', path: '/of/0' }, { op: 'add', path: '/of/-', value: 4 }])).toEqual({ of: [2, 3, 4] });
        expect(applied({ of: [1, 3] }, [{ op: 'add', path: '/of/1', value: 2 }, { op: 'replace', path: '/of/0', value: 0 }])).toEqual({ of: [0, 2, 3] });
        expect(applied({ a: 1 }, [{ op: 'move', from: '/a', path: '/b' }])).toEqual({ b: 1 });
        expect(applied({ a: 1 }, [{ op: 'copy', from: '/a', path: '/b' }])).toEqual({ a: 1, b: 1 });
    });

    it('do not touch the version before', () => {
        const before = { config: { signal: 1 } };
        applied(before, [{ op: 'replace', path: '/config/signal', value: 2 }]);
        expect(before).toEqual({ config: { signal: 1 } });
    });

    it('name what is new without the record', () => {
        expect(named([{ op: 'replace', path: '/config/signal', value: 5 }, { op: 'remove', path: '/note' }])).toEqual([
            { source: 'config.signal', after: 5 }, { source: 'note', after: null },
        ]);
        expect(named([{ op: 'add', path: '/config', value: { signal: 5 } }])).toEqual([
            { source: 'config.signal', before: undefined, after: 5 },
        ]);
    });
});

describe('the versions of a record', () => {
    it('are what it was before and after each change', () => {
        const [deleted, changed, made] = versions(PAST, true);
        expect(made).toMatchObject({ before: null, after: MADE });
        expect(changed).toMatchObject({ before: MADE, after: { note: 'new', config: { signal: 5, series: 'data' } } });
        expect(deleted).toMatchObject({ before: changed?.after, after: null });
    });

    it('are not known before the oldest one that was read', () => {
        const [deleted, changed] = versions(PAST.slice(0, 2), false);
        expect(changed).toMatchObject({ before: undefined, after: undefined });
        expect(deleted?.after).toBeNull();
    });

    it('differ by fields, not by keys, live state, or in what was empty', () => {
        const [, changed] = versions(PAST, true);
        expect(differences(changed?.before ?? null, changed?.after ?? null)).toEqual([
            { source: 'note', before: '', after: 'new' }, { source: 'config.signal', before: 10, after: 5 },
        ]);
        expect(differences({ uuid: 'a', _etag: '1', kid: null }, { uuid: 'b', status: {} })).toEqual([]);
        expect(differences(null, { name: 'Roof' })).toEqual([{ source: 'name', before: undefined, after: 'Roof' }]);
    });
});

describe('a record that two have changed', () => {
    const base = { name: 'Roof', note: 'a', kid: null, config: { signal: 10, post_int: 30 }, _etag: '"1"' };
    const theirs = { name: 'Roof', note: 'b', kid: null, config: { signal: 5, post_int: 30 }, _etag: '"2"' };

    it('is compared field by field', () => {
        const mine = { name: 'Mill', note: 'c', kid: '', config: { signal: 10 } };
        expect(compared(base, theirs, mine)).toEqual([
            { source: 'note', base: 'a', theirs: 'b', mine: 'c', by: 'both' },
            { source: 'config.signal', base: 10, theirs: 5, mine: 10, by: 'them' },
            { source: 'name', base: 'Roof', theirs: 'Roof', mine: 'Mill', by: 'me' },
        ]);
    });

    it('has no quarrel where both have written the same', () => {
        expect(compared(base, theirs, { ...base, note: 'b' })).toEqual([
            { source: 'note', base: 'a', theirs: 'b', mine: 'b', by: 'them' },
            { source: 'config.signal', base: 10, theirs: 5, mine: 10, by: 'them' },
        ]);
    });

    it('becomes one with their changes and mine, and mine where both were at it, unless theirs is chosen', () => {
        const clashes = compared(base, theirs, { ...base, name: 'Mill', note: 'c', config: { signal: 10, post_int: 60 } });
        const both = { name: 'Mill', kid: null, config: { signal: 5, post_int: 60 }, _etag: '"2"' };
        expect(merged(theirs, clashes)).toEqual({ ...both, note: 'c' });
        expect(merged(theirs, clashes, { note: 'theirs' })).toEqual({ ...both, note: 'b' });
    });
});

describe('a deletion', () => {
    /** A store in which everything was deleted by one commit; what refers to another record is refused before that is there. */
    function store(refersTo: Record<string, string>, latest: Record<string, string> = {}) {
        const restored: string[] = [];
        const answer = (path: string, body: Json): { status?: number; body: Json } => {
            if (path === '/v2/refresh') return { body: { access_token: 'a', expires_in: 900 } };
            if (path.startsWith('/v2/history')) {
                const changes = Object.keys(refersTo).map(uuid => ({ resource: 'all', uuid, action: 'delete', patch: [] }));
                return { body: { items: [{ revision: 'other', changes: [] }, { revision: 'gone', changes }] } };
            }
            const [, , , uuid = '', what = ''] = path.split(/[/?]/);
            if (what === 'history') {
                return { body: { items: [{ action: 'delete', revision: latest[uuid] ?? 'gone', time: 'then' }, { revision: `before-${uuid}` }] } };
            }
            expect(body).toEqual({ revision: `before-${uuid}` });
            const needs = refersTo[uuid];
            if (needs && !restored.includes(needs)) return { status: 400, body: { code: 'invalid', detail: 'reference' } };
            restored.push(uuid);
            return { body: {} };
        };
        const fetch = async (path: unknown, init: RequestInit = {}) => {
            const { status = 200, body } = answer(String(path), init.body === undefined ? null : JSON.parse(String(init.body)));
            return new Response(JSON.stringify(body), { status });
        };
        return { client: new Client(fetch as typeof globalThis.fetch), restored };
    }

    it('is taken back with all that went with it, what is referred to first', async () => {
        const { client, restored } = store({ payment: 'karana', karana: 'owner', owner: '' });
        await undo(client, { resource: 'users', ids: ['owner'] });
        expect(restored).toEqual(['owner', 'karana', 'payment']);
    });

    it('is not taken back where somebody has changed things since', async () => {
        const { client, restored } = store({ a: '', b: '' }, { b: 'later' });
        await undo(client, { resource: 'all', ids: ['a', 'b'] });
        expect(restored).toEqual(['a']);
    });

    it('says why when it cannot be taken back', async () => {
        const { client } = store({ a: 'missing' });
        await expect(undo(client, { resource: 'all', ids: ['a'] })).rejects.toMatchObject({ message: 'reference' });
    });

    it('is told of once, the oldest of its resource first', () => {
        noteDeletion({ resource: 'users', ids: ['1'] });
        noteDeletion({ resource: 'karanas', ids: ['2'] });
        noteDeletion({ resource: 'karanas', ids: ['3'] });
        expect(['karanas', 'karanas', 'karanas', 'users'].map(nextDeletion).map(one => one?.ids[0])).toEqual(['2', '3', undefined, '1']);
    });
});
