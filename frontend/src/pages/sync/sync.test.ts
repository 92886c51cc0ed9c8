import { describe, expect, it } from 'vitest';
import { Client, Refusal } from '../../client';
import { RowsRefused, work } from '../../work';
import { type Plan, grouped, orphanPath } from './plan';
import { NOTHING, type Progress, fold, overall } from './progress';
import { type Item, count, reasons } from './standing';

const events = (text: string) =>
    new Client(async path =>
        String(path).endsWith('/refresh') ? Response.json({ access_token: 'a', expires_in: 900 }) : new Response(text),
    );
const told = (text: string, onProgress: (progress: Progress) => void = () => {}) =>
    work<Progress, object>(events(text), { path: '/v2/sync', signal: new AbortController().signal, onProgress });

describe('a run', () => {
    it('tells how far it is, and ends with its report', async () => {
        const seen: Progress[] = [];
        const one = 'event: progress\ndata: {"backend":"influxdb","done":1,"total":2,"item":"users/1"}\n\n';
        const report = await told(`${one}event: report\ndata: {"actions_done":2}\n\n`, progress => seen.push(progress));
        expect(seen).toEqual([{ backend: 'influxdb', done: 1, total: 2, item: 'users/1' }]);
        expect(report).toEqual({ actions_done: 2 });
    });

    it('that fails says why, with the rows that it is about', async () => {
        const problem = '{"status":422,"code":"import_refused","detail":"refused","rows":[{"line":2,"status":400,"detail":"x"}]}';
        const error = await told(`event: error\ndata: ${problem}\n\n`).catch(error => error);
        expect(error).toBeInstanceOf(RowsRefused);
        expect(error).toMatchObject({ status: 422, code: 'import_refused', message: 'refused', rows: [{ line: 2 }] });
    });

    it('whose connection breaks has not ended well', async () => {
        const error = await told('event: progress\ndata: {"done":1,"total":2}\n\n').catch(error => error);
        expect(error).toBeInstanceOf(Refusal);
        expect(error.code).toBe('broken');
    });
});

describe('progress', () => {
    it('of several back ends is put together, with the records in the order of the latest first', () => {
        const run = [
            { backend: 'influxdb', done: 0, total: 4, item: null },
            { backend: 'influxdb', done: 2, total: 4, item: 'users/1' },
            { backend: 'grafana', done: 1, total: 6, item: 'users/1' },
            { backend: 'influxdb', done: 4, total: 4, item: 'karanas/2' },
        ].reduce(fold, NOTHING);
        expect(overall(run)).toEqual({ done: 5, total: 10 });
        expect(run.log.map(({ backend, uuid }) => `${backend} ${uuid}`)).toEqual(['influxdb 2', 'grafana 1', 'influxdb 1']);
    });

    it('of the run before, which is told first, is no news', () => {
        const run = fold(NOTHING, { backend: 'influxdb', done: 42, total: 42, item: 'karanas/2' });
        expect(run.log).toEqual([]);
    });
});

describe('a plan', () => {
    const step = (uuid: string, action: string) => ({ backend: 'influxdb', resource: 'karanas', uuid, action, reason: 'why' });

    it('is read by records, with what was changed by hand marked and first', () => {
        const plan: Plan = { actions: [step('1', 'set'), step('2', 'create')], drift: [step('2', 'grant')], orphans: [] };
        expect(grouped(plan).map(({ uuid, steps }) => [uuid, steps.map(({ action, isDrift }) => [action, isDrift])])).toEqual([
            ['2', [['grant', true], ['create', false]]],
            ['1', [['set', false]]],
        ]);
    });

    it('names an orphan in an address', () => {
        const orphan = { backend: 'influxdb', kind: 'database', name: 'a&b' };
        expect(orphanPath(orphan)).toBe('/v2/sync/orphans?backend=influxdb&kind=database&name=a%26b');
    });
});

describe('records', () => {
    it('say what is wrong with each back end that fails', () => {
        const item: Item = {
            resource: 'karanas', uuid: '1', state: 'failed',
            backends: { grafana: { state: 'synced' }, influxdb: { state: 'failed', reason: 'away', next_try: 'soon' } },
        };
        expect(reasons(item)).toEqual([{ backend: 'influxdb', reason: 'away', nextTry: 'soon' }]);
    });

    it('are counted over all resources', () => {
        const counts = { users: { failed: 1, pending: 0, synced: 2 }, karanas: { failed: 3, pending: 1, synced: 0 } };
        expect(count({ counts, backends: {}, items: [], next: null, total: 0 }, 'failed')).toBe(4);
    });
});
