// What would become of a table: sent to the server, which makes nothing yet.
import type { Client, Finding } from '../../client';
import { work } from '../../work';
import { type Field, type OpenApi, namesOf } from './fields';
import { type Mapping, completed, mapped, randomPassword } from './mapping';
import { type Faults, type Report, place, refusedOf } from './outcome';
import { type Names, type Unresolved, lookUp, namesIn, resolved } from './references';
import { type Broken, type FileTable, writeTable } from './table';

export interface Checked {
    /** As it is to be sent, and on which line each row begins. */
    text: string;
    lines: number[];
    faults: Faults;
    /** Those of them that are of the file itself: their rows are not sent. */
    broken: Faults;
    /** Rows that can be made now. */
    possible: number;
}

export interface Checking {
    api: OpenApi;
    resource: string;
    fields: Field[];
    table: FileTable;
    mapping: Mapping;
    say: (one: Unresolved | Broken) => string;
    inWords: (finding: Finding) => string;
    signal: AbortSignal;
}

export const importPath = (resource: string, more: string) => `/v2/${resource}/import?${more}`;

export async function check(client: Client, { api, resource, fields, table, mapping, say, inWords, signal }: Checking): Promise<Checked> {
    const broken: Faults = new Map(table.broken.map(one => [one.row, [{ path: '', message: say(one) }]]));
    const sent = table.rows.map((_, row) => row).filter(row => !broken.has(row));
    const { columns, rows } = mapped(table, mapping);
    const wanted = completed(resource, { columns, rows: sent.map(row => rows[row] ?? []) }, randomPassword);
    const names = new Map<string, Names>();
    for (const { path, references } of fields) {
        if (references === undefined || !wanted.columns.includes(path)) continue;
        const found = await lookUp(client, references, namesOf(api, references), namesIn(wanted, path));
        names.set(references, new Map([...(names.get(references) ?? []), ...found]));
    }
    const { table: ready, unresolved } = resolved(wanted, fields, names);
    const written = writeTable(ready.columns, ready.rows);
    // On line 0 stands nothing: what is not sent has no line.
    const lines: number[] = table.rows.map(() => 0);
    sent.forEach((row, at) => (lines[row] = written.lines[at] ?? 0));
    const checked = { text: written.text, lines, broken };
    if (sent.length === 0) return { ...checked, faults: broken, possible: 0 };
    // Of all rows, not of the refused ones alone.
    const path = importPath(resource, 'dry_run=true&partial=true');
    const body = { path, body: written.text, media: 'text/csv' };
    const report = await work<unknown, Report>(client, { ...body, signal, onProgress: () => {} });
    const known: Faults = new Map(broken);
    for (const one of unresolved) {
        const row = sent[one.row] ?? 0;
        known.set(row, [...(known.get(row) ?? []), { path: one.path, message: say(one) }]);
    }
    return { ...checked, faults: place(refusedOf(report), lines, known, inWords), possible: report.created };
}
