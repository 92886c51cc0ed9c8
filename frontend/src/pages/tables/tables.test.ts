import { describe, expect, it } from 'vitest';
import { Client } from '../../client';
import { check } from './check';
import { decode } from './decode';
import { fieldsOf, namesOf } from './fields';
import { completed, mapColumns, mapped, missing } from './mapping';
import { madeOf, place, type Report, refusedOf } from './outcome';
import { lookUp, namesIn, resolved } from './references';
import { MOST_BYTES, MOST_ROWS, readTable, writeTable } from './table';

const API = {
    components: {
        schemas: {
            'karanas.New': {
                required: ['name', 'config', 'owner'],
                properties: {
                    config: { properties: { post_int: { type: 'integer', default: 30 }, series: { type: 'string' } } },
                    note: { type: 'string' },
                    name: { type: 'string' },
                    owner: { type: ['string', 'null'], 'x-references': 'users' },
                },
            },
            'users.New': { required: ['name'], properties: { name: {}, email: {} } },
        },
    },
};
const FIELDS = fieldsOf(API, 'karanas');
const LABELS: Record<string, string> = { owner: 'Propriétaire', note: 'Note' };
const label = (path: string) => LABELS[path] ?? '';
const inWords = ({ message }: { message: string }) => message;
const UUID = '40e8b477-79bd-4dbb-b4b3-e290a517726f';

describe('the fields of a table', () => {
    it('are those of a new record, with what is required first and no objects', () => {
        expect(FIELDS.map(({ path }) => path)).toEqual(['name', 'config.post_int', 'config.series', 'note', 'owner']);
        expect(FIELDS.filter(({ isRequired }) => isRequired).map(({ path }) => path)).toEqual(['name']);
        expect(namesOf(API, 'users')).toEqual(['email', 'name']);
        expect(namesOf(API, 'karanas')).toEqual(['name']);
    });
});

describe('a file', () => {
    it('is read whatever separates its cells, without a mark at its beginning and empty lines', () => {
        const table = readTable('\ufeffname;note\r\n Roof ;"a\nb"\r\n\r\n;\r\nMill;;;\r\n', false);
        expect(table).toEqual({ columns: ['name', 'note'], rows: [[' Roof ', 'a\nb'], ['Mill', '']], broken: [] });
    });

    it('of JSON lines has a column for each field of any of them', () => {
        const table = readTable('{"name":"Roof","config":{"post_int":15}}\n{"name":"Mill","owner":null}\n', true);
        expect(table).toEqual({ columns: ['name', 'config.post_int', 'owner'], rows: [['Roof', '15', ''], ['Mill', '', '']], broken: [] });
    });

    it('names the rows that it breaks: with too many cells, or too few, or quotes that are not right', () => {
        const rows = ['a,b', '1,2,3', '4', '', '5,6', '"7"x",8', '9,"10', 'all,of it', 'is one cell'];
        const { broken, rows: [, , third] } = readTable(rows.join('\n'), false);
        expect(broken).toEqual([
            { row: 0, reason: 'too_many' }, { row: 1, reason: 'too_few' }, { row: 3, reason: 'quotes' }, { row: 4, reason: 'unclosed' },
        ]);
        expect(third).toEqual(['5', '6']);
    });

    const kinds = [['a,b\n', '1,2\n', false], ['', '{"a":1}\n', true]] as const;
    it.each(kinds)('of more rows than are taken is not read to its end', (header, row, isLines) => {
        const taken = header + row.repeat(MOST_ROWS);
        expect(readTable(taken, isLines).rows).toHaveLength(MOST_ROWS);
        expect(readTable(taken + row, isLines).rows).toHaveLength(MOST_ROWS + 1);
        expect(readTable(header + row.repeat(MOST_BYTES / row.length), isLines).rows).toHaveLength(MOST_ROWS + 1);
    });

    it('has cells that are too long for anything', () => {
        const { broken } = readTable(`a,b\n1,2\n${'x'.repeat(100_000)},2\n`, false);
        expect(broken).toEqual([{ row: 1, reason: 'too_long' }]);
    });

    it('is read as it is written: UTF-8, UTF-16 with a mark, or else as spreadsheets do', () => {
        const written = (encoding: BufferEncoding, text: string) => new Uint8Array(Buffer.from(text, encoding));
        expect(decode(written('utf8', '\ufeffKüche'))).toEqual({ text: 'Küche', encoding: 'UTF-8' });
        expect(decode(written('utf16le', '\ufeffKüche'))).toEqual({ text: 'Küche', encoding: 'UTF-16' });
        expect(decode(written('utf16le', '\ufeffKüche').map((_, at, all) => all[at ^ 1] ?? 0))).toEqual({ text: 'Küche', encoding: 'UTF-16' });
        expect(decode(written('latin1', 'Küche'))).toEqual({ text: 'Küche', encoding: 'windows-1252' });
    });

    it('is checked without its broken rows, and the others are named as they stand in it', async () => {
        const sent: string[] = [];
        const report = { created: 1, refused: 1, dry_run: true, rows: [{ line: 3, status: 400, detail: 'no' }] };
        const client = new Client(async (path, init) => {
            if (String(path).endsWith('/refresh')) return Response.json({ access_token: 'a', expires_in: 900 });
            sent.push(String(init?.body));
            return new Response(`event: report\ndata: ${JSON.stringify(report)}\n\n`);
        });
        const table = readTable('name,note\nRoof,a\nBarn\nMill,b\n', false);
        const say = (one: object) => JSON.stringify(one);
        const signal = new AbortController().signal;
        const checking = { api: API, resource: 'karanas', fields: FIELDS, table, mapping: ['name', 'note'], inWords, say, signal };
        const { faults, possible } = await check(client, checking);
        expect(sent).toEqual(['name,note\nRoof,a\nMill,b\n']);
        expect(possible).toBe(1);
        expect([...faults]).toEqual([
            [1, [{ path: '', message: '{"row":1,"reason":"too_few"}' }]], [2, [{ path: '', message: 'no' }]],
        ]);
        const none = { ...checking, table: readTable('name,note\nBarn\n', false) };
        expect((await check(client, none)).possible).toBe(0);
        expect(sent).toHaveLength(1);
    });

    it('is sent with rows whose lines are known, also when a cell has several', () => {
        const { text, lines } = writeTable(['name', 'note'], [['Roof', 'a\nb'], ['Mill', 'x,y']]);
        expect(text).toBe('name,note\nRoof,"a\nb"\nMill,"x,y"\n');
        expect(lines).toEqual([2, 4]);
    });
});

describe('columns', () => {
    it('find their fields by path, by the name in the language of the page, and by the last part of a path', () => {
        const mapping = mapColumns(['Name', 'PROPRIETAIRE', 'post_int', 'Config Series', 'colour'], FIELDS, label);
        expect(mapping).toEqual(['name', 'owner', 'config.post_int', 'config.series', null]);
    });

    it('find them without their unit', () => {
        const words = (path: string) => (path === 'config.post_int' ? 'Posts every (minutes)' : path);
        expect(mapColumns(['Posts every', 'posts every (minutes)'], FIELDS, words)).toEqual([null, 'config.post_int']);
        expect(mapColumns(['Posts every'], FIELDS, words)).toEqual(['config.post_int']);
    });

    it('share no field', () => {
        expect(mapColumns(['note', 'Note'], FIELDS, label)).toEqual(['note', null]);
    });

    it('without a field are left out, and required fields without a column are known', () => {
        const table = { columns: ['a', 'b'], rows: [['1', '2']] };
        expect(mapped(table, [null, 'note'])).toEqual({ columns: ['note'], rows: [['2']] });
        expect(missing([null, 'note'], FIELDS).map(({ path }) => path)).toEqual(['name']);
    });

    it('of owners are completed: one signs in with the address, and has a password', () => {
        const table = { columns: ['email', 'credentials.password'], rows: [['a@b.org', 'mine'], ['c@d.org', '']] };
        expect(completed('users', table, () => 'random')).toEqual({
            columns: ['email', 'credentials.password', 'credentials.login'],
            rows: [['a@b.org', 'mine', 'a@b.org'], ['c@d.org', 'random', 'c@d.org']],
        });
        expect(completed('karanas', table, () => 'random')).toBe(table);
    });
});

describe('owners', () => {
    const table = { columns: ['name', 'owner'], rows: [['Roof', 'Anna@b.org'], ['Mill', 'Bo, School'], ['Barn', UUID], ['Stock', '']] };

    it('are looked up by address or name, one with a comma alone', async () => {
        const paths: string[] = [];
        const client = new Client(async path => {
            paths.push(String(path));
            if (String(path).endsWith('/refresh')) return Response.json({ access_token: 'a', expires_in: 900 });
            const isEmail = String(path).includes('[email]');
            return Response.json({ items: isEmail ? [{ uuid: UUID, email: 'anna@b.org' }] : [{ uuid: '1', name: 'Bo, School' }] });
        });
        const names = await lookUp(client, 'users', ['email', 'name'], namesIn(table, 'owner'));
        expect(paths.slice(1)).toEqual([
            '/v2/users?filter[email][in]=anna%40b.org&fields=uuid,email&limit=500',
            '/v2/users?filter[name]=Bo%2C%20School&fields=uuid,name&limit=500',
        ]);
        expect([...names]).toEqual([['anna@b.org', [UUID]], ['Bo, School', ['1']]]);
    });

    it('stand in the table by their uuids; who is nobody, or two, is told', () => {
        const names = new Map([['users', new Map([['anna@b.org', [UUID]], ['Bo, School', ['1', '2']]])]]);
        const { table: now, unresolved } = resolved({ ...table, rows: [...table.rows, ['Shed', 'Nobody']] }, FIELDS, names);
        expect(now.rows.map(row => row[1])).toEqual([UUID, 'Bo, School', UUID, '', 'Nobody']);
        expect(unresolved).toEqual([
            { row: 1, path: 'owner', message: 'ambiguous' },
            { row: 4, path: 'owner', message: 'not_found' },
        ]);
    });
});

describe('what the server says', () => {
    const report: Report = {
        created: 1, refused: 2, dry_run: false,
        rows: [
            { line: 2, status: 201, uuid: UUID },
            { line: 4, status: 400, detail: 'all', errors: [{ field: 'owner', code: 'format', message: 'must be a uuid' }] },
            { line: 5, status: 403, detail: 'not allowed' },
        ],
    };

    it('stands at the row and the cell that it is about', () => {
        expect([...place(refusedOf(report), [2, 4, 5], new Map(), inWords)]).toEqual([
            [1, [{ path: 'owner', message: 'must be a uuid' }]],
            [2, [{ path: '', message: 'not allowed' }]],
        ]);
        expect(madeOf(report)).toEqual([UUID]);
    });

    it('is all said, also where one cell has several faults', () => {
        const errors = ['too long', 'no address'].map(message => ({ field: 'email', code: 'x', message }));
        expect(place([{ line: 2, status: 400, detail: 'two', errors }], [2], new Map(), inWords).get(0)).toHaveLength(2);
    });

    it('is less than what is known of a name that was not found', () => {
        const known = new Map([[1, [{ path: 'owner', message: 'nobody' }]]]);
        expect(place(refusedOf(report), [2, 4, 5], known, inWords).get(1)).toEqual([{ path: 'owner', message: 'nobody' }]);
    });
});
