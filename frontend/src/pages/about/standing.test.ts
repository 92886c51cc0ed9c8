import { expect, it } from 'vitest';
import type { Backup } from '../../authProvider';
import { ofBackup, ofHistory, ofSync } from './standing';

const backup = (more: Partial<Backup> = {}): Backup => ({
    remote: 'ssh://backup', pushed: null, behind_since: null, behind_seconds: 0, error: null, failures: 0, ...more,
});

it('a backup needs attention when there is none, it fails, or is behind for long', () => {
    expect(ofBackup(backup())).toBe('good');
    expect(ofBackup(backup({ behind_since: '2026-01-01T00:00:00Z', behind_seconds: 30 }))).toBe('good');
    expect(ofBackup('not configured')).toBe('attention');
    expect(ofBackup(backup({ behind_seconds: 3600 }))).toBe('attention');
    expect(ofBackup(backup({ error: { reason: 'no route', at: '', next_try: '' } }))).toBe('attention');
});

it('a back end needs attention when a record has failed', () => {
    expect(ofSync({ state: 'idle', last_round: null, failures: [] })).toBe('good');
    expect(ofSync({ state: 'idle', last_round: null, failures: [{}] })).toBe('attention');
    expect(ofSync({ state: 'not_configured', last_round: null, failures: [] })).toBe('none');
});

it('a history needs attention when it is damaged', () => {
    expect(ofHistory({ state: 'verified', revisions: 3 })).toBe('good');
    expect(ofHistory({ state: 'being_verified' })).toBe('none');
    expect(ofHistory({ state: 'damaged', reason: 'x' })).toBe('attention');
});
