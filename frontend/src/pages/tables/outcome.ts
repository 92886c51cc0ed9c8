// What the server says of a table, at the rows and cells that it is about.
import type { Finding } from '../../client';
import type { RefusedRow } from '../../work';
import type { Unresolved } from './references';

/** What becomes of each row. */
export interface Report {
    created: number;
    refused: number;
    dry_run: boolean;
    rows: ({ line: number; status: 201; uuid?: string } | RefusedRow)[];
}

export interface Fault {
    /** The field, or '' where it is about the row. */
    path: string;
    message: string;
}

/** By the number of the row. */
export type Faults = Map<number, Fault[]>;

/** What is said of a name that was not found, and of what the server finds. */
export interface Words {
    say: (one: Unresolved) => string;
    inWords: (finding: Finding) => string;
}

const isRefused = (row: Report['rows'][number]): row is RefusedRow => row.status !== 201;

export const refusedOf = (report: Report): RefusedRow[] => report.rows.filter(isRefused);

export const madeOf = (report: Report): string[] => report.rows.flatMap(row => (isRefused(row) ? [] : (row.uuid ?? [])));

/**
 * Places what was found: `lines` says on which line each row of the table stands in what was sent. What is known of a cell
 * already, a name that was not found, says more than the server's finding that it is no uuid.
 */
export function place(refused: RefusedRow[], lines: number[], unresolved: Unresolved[], words: Words): Faults {
    const faults: Faults = new Map();
    const add = (row: number, fault: Fault) => faults.set(row, [...(faults.get(row) ?? []), fault]);
    const known = new Set(unresolved.map(({ row, path }) => `${row} ${path}`));
    for (const one of unresolved) add(one.row, { path: one.path, message: words.say(one) });
    const rows = new Map(lines.map((line, row) => [line, row]));
    for (const { line, detail, errors } of refused) {
        const row = rows.get(line);
        if (row === undefined) continue;
        const findings = errors?.length ? errors : [{ field: '', code: '', message: detail }];
        for (const finding of findings) {
            if (!known.has(`${row} ${finding.field}`)) add(row, { path: finding.field, message: words.inWords(finding) });
        }
    }
    return faults;
}
