import { describe, expect, it } from 'vitest';
import type { Backup } from '../../authProvider';
import { type Counts, perStep } from '../../components/posts';
import { ago } from './ago';
import { type Entry, actorOf, deeds } from './changes';
import { backupBehind } from './troubles';

const entry = (changes: Entry['changes'], actor = 'users/1'): Entry =>
    ({ revision: 'a', time: '2026-03-01T00:00:00Z', actor, author: 'Anna', changes });

describe('changes in words', () => {
    it('name the fields that have changed, secrets by their names alone', () => {
        const patch = [{ op: 'replace', path: '/config/post_int', value: 5 }, { op: 'replace', path: '/note', value: 'x' }];
        const change = { resource: 'karanas', uuid: '1', action: 'update' as const, patch, secrets: ['/config/password'] };
        expect(deeds(entry([change]))).toEqual([{
            resource: 'karanas', action: 'update', records: [{ uuid: '1', name: undefined }], total: 1,
            fields: ['config.post_int', 'note', 'config.password'],
        }]);
    });

    it('put what was done alike together, with the names that are known', () => {
        const made = (uuid: string, value: object) =>
            ({ resource: 'users', uuid, action: 'create' as const, patch: [{ op: 'add', path: '', value }] });
        const gone = { resource: 'karanas', uuid: '3', action: 'delete' as const, patch: [{ op: 'remove', path: '' }] };
        const all = deeds(entry([made('1', { name: 'Anna' }), gone, made('2', { name: '', email: 'b@c.org' })]));
        expect(all.map(({ action, records }) => [action, records])).toEqual([
            ['create', [{ uuid: '1', name: 'Anna' }, { uuid: '2', name: 'b@c.org' }]],
            ['delete', [{ uuid: '3', name: undefined }]],
        ]);
    });

    it('say how many there are, also of an entry that is too long to be shown', () => {
        const change = { resource: 'karanas', uuid: '1', action: 'delete' as const, patch: [] };
        expect(deeds({ ...entry([change]), records: 3000 }).map(({ total }) => total)).toEqual([3000]);
    });

    it('know who did it, unless it was a part of the program', () => {
        expect(actorOf(entry([]))).toEqual({ resource: 'users', uuid: '1' });
        expect(actorOf(entry([], 'handover'))).toBeUndefined();
    });
});

describe('how long ago', () => {
    const now = Date.parse('2026-03-05T12:00:00Z');

    it('is said in the largest unit that fits', () => {
        expect(ago('2026-03-01T11:00:00Z', now, 'en')).toBe('4 days ago');
        expect(ago('2026-03-05T09:10:00Z', now, 'de')).toBe('vor 2 Stunden');
        expect(ago('2026-03-05T12:00:30Z', now, 'en')).toBe('0 minutes ago');
    });
});

describe('posts', () => {
    it('are counted in each step, none is 0, and fields of one post count once', () => {
        const counts: Counts = {
            from: '2026-03-01T00:10:00Z', to: '2026-03-01T01:40:00Z', every: '30m',
            series: [
                { field: 'power', points: [['2026-03-01T00:00:00Z', 2]] },
                { field: 'voltage', points: [['2026-03-01T00:00:00Z', 3], ['2026-03-01T01:00:00Z', 1]] },
            ],
        };
        expect(perStep(counts).counts).toEqual([3, 0, 1, 0]);
        expect(perStep(counts).times[0]).toBe(Date.parse('2026-03-01T00:00:00Z') / 1000);
    });
});

describe('a backup', () => {
    const backup = (more: Partial<Backup>): Backup =>
        ({ remote: 'r', pushed: null, behind_since: null, behind_seconds: 0, error: null, failures: 0, ...more });

    it('that keeps up, or is none, is no trouble', () => {
        expect(backupBehind({ backup: 'not configured' })).toBeUndefined();
        expect(backupBehind({ backup: backup({ behind_seconds: 20 }) })).toBeUndefined();
    });

    it('that fails, or is behind for long, is', () => {
        expect(backupBehind({ backup: backup({ behind_seconds: 1000 }) })).toBeDefined();
        expect(backupBehind({ backup: backup({ error: { reason: 'x', at: '', next_try: '' } }) })).toBeDefined();
    });
});
