// A file of the user's as a table, and as the server wants it.
import Papa from 'papaparse';

export interface Table {
    columns: string[];
    rows: string[][];
}

/** A row that cannot be read as it was meant: it is not sent. */
export interface Broken {
    row: number;
    reason: 'unclosed' | 'quotes' | 'too_many' | 'too_few' | 'too_long';
}

export interface FileTable extends Table {
    broken: Broken[];
}

/** As the server takes at a time; bytes, and rows. */
export const [MOST_BYTES, MOST_ROWS] = [16 << 20, 10_000];
/** More columns than any resource has fields. */
export const MOST_COLUMNS = 100;
/** Characters in a cell: far more than any field takes. */
export const MOST_IN_CELL = 65_536;

/** Reads CSV with whatever separates its cells, or a JSON object a line. */
export function readTable(text: string, isLines: boolean): FileTable {
    const plain = text.replace(/^\ufeff/, '');
    const table = isLines ? readLines(plain) : readCells(plain);
    const isLong = (cell: string) => cell.length > MOST_IN_CELL;
    const long = table.rows.flatMap((row, at): Broken[] => (row.some(isLong) ? [{ row: at, reason: 'too_long' }] : []));
    const known = new Set(table.broken.map(({ row }) => row));
    return { ...table, broken: [...table.broken, ...long.filter(({ row }) => !known.has(row))] };
}

function readCells(text: string): FileTable {
    const { data, errors } = Papa.parse<string[]>(text, { delimiter: separator(text) });
    // One that is not closed takes with it all that follows.
    const fault = (code: string) => (code === 'MissingQuotes' ? 'unclosed' as const : 'quotes' as const);
    const quotes = new Map(errors.map(({ code, row }) => [row, fault(code)]));
    const isEmpty = (row: string[]) => row.every(cell => cell.trim() === '');
    const [header, ...lines] = data.map((cells, at) => ({ cells, at })).filter(({ cells }) => !isEmpty(cells));
    const columns = (header?.cells ?? []).map(name => name.trim());
    const broken = lines.flatMap(({ cells, at }, row): Broken[] => {
        const reason = quotes.get(at) ?? misfit(cells, columns.length);
        return reason === undefined ? [] : [{ row, reason }];
    });
    return { columns, rows: lines.map(({ cells }) => columns.map((_, at) => cells[at] ?? '')), broken };
}

/** Separators at the end of a row, as spreadsheets leave them, are no cells. */
function misfit(cells: string[], columns: number): Broken['reason'] | undefined {
    if (cells.length < columns) return 'too_few';
    return cells.slice(columns).some(cell => cell.trim() !== '') ? 'too_many' : undefined;
}

/** What parts the names in the header; spreadsheets take another one in other countries. */
function separator(text: string): string {
    const [header = ''] = text.trimStart().split('\n', 1);
    const count = (one: string) => header.split(one).length;
    return [',', ';', '\t', '|'].reduce((most, one) => (count(one) > count(most) ? one : most));
}

function readLines(text: string): FileTable {
    const records = text.split('\n').filter(line => line.trim() !== '').map(line => cells(JSON.parse(line)));
    const columns = [...new Set(records.flatMap(record => [...record.keys()]))];
    return { columns, rows: records.map(record => columns.map(name => record.get(name) ?? '')), broken: [] };
}

function cells(value: unknown, path = '', into = new Map<string, string>()): Map<string, string> {
    if (value !== null && typeof value === 'object' && !Array.isArray(value)) {
        for (const [name, inner] of Object.entries(value)) cells(inner, path === '' ? name : `${path}.${name}`, into);
    } else {
        into.set(path, value === null ? '' : typeof value === 'string' ? value : JSON.stringify(value));
    }
    return into;
}

/** The table as CSV, and on which line of it each row begins: by these the server names rows. */
export function writeTable(columns: string[], rows: string[][]): { text: string; lines: number[] } {
    const line = (row: string[]) => `${Papa.unparse([row], { quotes: row.length === 1 })}\n`;
    let [text, number] = [line(columns), 2];
    const lines = rows.map(row => {
        const [written, at] = [line(row), number];
        text += written;
        number += written.split('\n').length - 1;
        return at;
    });
    return { text, lines };
}
