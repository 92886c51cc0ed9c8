import { describe, expect, it } from 'vitest';
import { configLine, curlLine, deviceOf } from './device';
import type { Karana } from './karana';
import { path, qr } from './qr';

const ROOF: Karana = {
    id: '0e45', name: 'Roof', owner: '01b7', note: '', state: 'active', kid: null, created_at: '2026-03-01T12:00:00Z',
    config: { series: 'data', signal: 10, post_int: 15, get_int: 6, password: 'E0JD66L6LQSWT0NC' },
};
const PLACE = { host: 'influx.example.org', port: 8086 };

const device = (karana: Karana) => {
    const one = deviceOf(karana, PLACE);
    if (one === undefined) throw new Error('no device');
    return one;
};

describe('the config line', () => {
    it('is the one that the server writes', () => {
        expect(configLine(device(ROOF))).toBe('%influx.example.org:8086%data%01b7%E0JD66L6LQSWT0NC%10%15%6%');
    });

    it('is there only with an owner, a password that one may see, and an InfluxDB', () => {
        expect(deviceOf({ ...ROOF, owner: null }, PLACE)).toBeUndefined();
        expect(deviceOf({ ...ROOF, config: { ...ROOF.config, password: undefined } }, PLACE)).toBeUndefined();
        expect(deviceOf(ROOF, null)).toBeUndefined();
    });
});

describe('the curl line', () => {
    it('posts a point as the device does', () => {
        expect(curlLine(device(ROOF))).toBe(
            "curl -i -XPOST 'http://influx.example.org:8086/write?db=01b7&precision=s' -u '0e45:E0JD66L6LQSWT0NC' " +
                "--data-raw 'data,KID=0e45 test=1'",
        );
    });

    it('bears the short name of a device, and a series that has to be escaped', () => {
        const odd = { ...ROOF, kid: 'roof-1', config: { ...ROOF.config, series: "Anna's roof, south" } };
        expect(curlLine(device(odd))).toContain(String.raw`--data-raw 'Anna'\''s\ roof\,\ south,KID=roof-1 test=1'`);
    });
});

describe('a QR code', () => {
    it('is drawn by the runs of its dark modules', () => {
        const rows = ['##.', '...', '#.#'];
        expect(path(3, (row, column) => rows[row]?.[column] === '#')).toBe('M0 0h2v1h-2zM0 2h1v1h-1zM2 2h1v1h-1z');
    });

    it('is as large as the text needs, and has the finder in its corner', () => {
        const [small, large] = [qr('%'), qr(configLine(device(ROOF)))];
        expect(small.size).toBe(21);
        expect(large.size).toBeGreaterThan(small.size);
        expect(large.path.startsWith('M0 0h7v1h-7z')).toBe(true);
    });

    it('holds texts of all alphabets', () => {
        expect(qr('ü').path).not.toBe(qr('u').path);
    });
});
