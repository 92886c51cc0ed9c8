// What would become of a table: sent to the server, which makes nothing yet.
import type { Client } from '../../client';
import { work } from '../../work';
import { type Field, type OpenApi, namesOf } from './fields';
import { type Mapping, completed, mapped, randomPassword } from './mapping';
import { type Faults, type Report, place, refusedOf } from './outcome';
import { type Names, type Unresolved, lookUp, namesIn, resolved } from './references';
import { type Table, writeTable } from './table';

export interface Checked {
    /** As it is to be sent, and on which line each row begins. */
    text: string;
    lines: number[];
    faults: Faults;
    /** Rows that can be made now. */
    possible: number;
}

export interface Checking {
    api: OpenApi;
    resource: string;
    fields: Field[];
    table: Table;
    mapping: Mapping;
    say: (one: Unresolved) => string;
    signal: AbortSignal;
}

export const importPath = (resource: string, more: string) => `/v2/${resource}/import?${more}`;

export async function check(client: Client, { api, resource, fields, table, mapping, say, signal }: Checking): Promise<Checked> {
    const wanted = completed(resource, mapped(table, mapping), randomPassword);
    const names = new Map<string, Names>();
    for (const { path, references } of fields) {
        if (references === undefined || !wanted.columns.includes(path)) continue;
        const found = await lookUp(client, references, namesOf(api, references), namesIn(wanted, path));
        names.set(references, new Map([...(names.get(references) ?? []), ...found]));
    }
    const { table: ready, unresolved } = resolved(wanted, fields, names);
    const { text, lines } = writeTable(ready.columns, ready.rows);
    // Of all rows, not of the refused ones alone.
    const path = importPath(resource, 'dry_run=true&partial=true');
    const report = await work<unknown, Report>(client, { path, body: text, media: 'text/csv', signal, onProgress: () => {} });
    return { text, lines, faults: place(refusedOf(report), lines, unresolved, say), possible: report.created };
}
