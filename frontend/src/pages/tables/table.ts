// A file of the user's as a table, and as the server wants it.
import Papa from 'papaparse';

export interface Table {
    columns: string[];
    rows: string[][];
}

/** As the server takes at a time. */
export const MOST_ROWS = 10_000;

/** Reads CSV with whatever separates its cells, or a JSON object a line. */
export function readTable(text: string, isLines: boolean): Table {
    const plain = text.replace(/^\ufeff/, '');
    if (isLines) return readLines(plain);
    const { data } = Papa.parse<string[]>(plain, { skipEmptyLines: 'greedy', delimiter: separator(plain) });
    const [columns = [], ...rows] = data;
    return { columns: columns.map(name => name.trim()), rows: rows.map(row => columns.map((_, at) => row[at] ?? '')) };
}

/** What parts the names in the header; spreadsheets take another one in other countries. */
function separator(text: string): string {
    const [header = ''] = text.trimStart().split('\n', 1);
    const count = (one: string) => header.split(one).length;
    return [',', ';', '\t', '|'].reduce((most, one) => (count(one) > count(most) ? one : most));
}

function readLines(text: string): Table {
    const records = text.split('\n').filter(line => line.trim() !== '').map(line => cells(JSON.parse(line)));
    const columns = [...new Set(records.flatMap(record => [...record.keys()]))];
    return { columns, rows: records.map(record => columns.map(name => record.get(name) ?? '')) };
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
