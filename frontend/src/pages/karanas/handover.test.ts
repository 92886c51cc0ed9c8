import { describe, expect, it } from 'vitest';
import { hindrance, meaning } from './handover';
import type { Karana, Status } from './karana';

const STATUS: Status = {
    connection: 'online', last_seen: null, posts_per_hour: 0, clock_ahead: false, checked_at: null, sync: null,
};
const ROOF: Karana = {
    id: '0e45', name: 'Roof', owner: '01b7', note: '', state: 'active', kid: null, created_at: '2026-03-01T12:00:00Z',
    config: { series: 'data', signal: 10, post_int: 15, get_int: 6 }, status: STATUS,
};

describe('a device', () => {
    it('learns its new password by itself when it has an owner and posts', () => {
        expect(hindrance(ROOF, true)).toBeUndefined();
    });

    it('does not where it would not be told, or not be heard', () => {
        expect(hindrance(ROOF, false)).toBe('no_influxdb');
        expect(hindrance({ ...ROOF, owner: null }, true)).toBe('stock');
        expect(hindrance({ ...ROOF, status: { ...STATUS, clock_ahead: true } }, true)).toBe('clock_ahead');
        const handover = { step: 'offered', begun: '2026-03-01T12:00:00Z', since: '2026-03-01T12:00:00Z', tries: 0 } as const;
        expect(hindrance({ ...ROOF, status: { ...STATUS, handover } }, true)).toBe('under_way');
    });
});

describe('the notice of the server', () => {
    it('is known by what has to be done', () => {
        expect(meaning(null)).toBe('nothing');
        expect(meaning('InfluxDB refuses the device until it is flashed with its new password')).toBe('flash');
        expect(
            meaning('InfluxDB refuses the device until it is flashed with its new owner and password; its data stays with the former owner'),
        ).toBe('flash_moved');
        expect(meaning('the device keeps its password until it has learned the new one: see its status')).toBe('remote');
        expect(
            meaning("the device keeps its password, and access to its former owner's database, until it posts to the new one: see its status"),
        ).toBe('remote_moved');
    });

    it('may be a new one', () => {
        expect(meaning('somebody has to clap')).toBeUndefined();
    });
});
