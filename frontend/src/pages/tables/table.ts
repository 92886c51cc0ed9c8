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

/**
 * Reads CSV with whatever separates its cells, or a JSON object a line. Of more rows than are taken it reads one, by which that
 * is known: millions, as fit in a file, would keep the page from answering for seconds.
 */
export function readTable(text: string, isLines: boolean): FileTable {
    const plain = text.replace(/^\ufeff/, '');
    const table = isLines ? readLines(plain) : readCells(plain);
    const isLong = (cell: string) => cell.length > MOST_IN_CELL;
    const long = table.rows.flatMap((row, at): Broken[] => (row.some(isLong) ? [{ row: at, reason: 'too_long' }] : []));
    const known = new Set(table.broken.map(({ row }) => row));
    return { ...table, broken: [...table.broken, ...long.filter(({ row }) => !known.has(row))] };
}

function readCells(text: string): FileTable {
    const rows: { cells: string[]; fault?: Broken['reason'] }[] = [];
    Papa.parse<string[]>(text, {
        delimiter: separator(text),
        // It would take the whole apart before the first row.
        fastMode: false,
        step({ data: cells, errors }, parser) {
            if (cells.every(cell => cell.trim() === '')) return;
            const code = errors.at(-1)?.code;
            // One that is not closed takes with it all that follows.
            rows.push({ cells, fault: code && (code === 'MissingQuotes' ? 'unclosed' : 'quotes') });
            // With the header it is one more than are taken.
            if (rows.length > MOST_ROWS + 1) parser.abort();
        },
    });
    const [header, ...lines] = rows;
    const columns = (header?.cells ?? []).map(name => name.trim());
    const broken = lines.flatMap(({ cells, fault = misfit(cells, columns.length) }, row): Broken[] =>
        fault === undefined ? [] : [{ row, reason: fault }],
    );
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
    const lines = text.split('\n').filter(line => line.trim() !== '').slice(0, MOST_ROWS + 1);
    const records = lines.map(line => cells(JSON.parse(line)));
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
