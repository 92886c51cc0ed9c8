// What the server says of a table, at the rows and cells that it is about.
import type { Finding } from '../../client';
import type { RefusedRow } from '../../work';

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

const isRefused = (row: Report['rows'][number]): row is RefusedRow => row.status !== 201;

export const refusedOf = (report: Report): RefusedRow[] => report.rows.filter(isRefused);

export const madeOf = (report: Report): string[] => report.rows.flatMap(row => (isRefused(row) ? [] : (row.uuid ?? [])));

/**
 * Places what the server finds beside what is known already: `lines` says on which line each row of the table stands in what
 * was sent. What is known of a cell, a name that was not found, says more than the server's finding that it is no uuid.
 */
export function place(
    refused: RefusedRow[], lines: number[], known: Faults, inWords: (finding: Finding) => string,
): Faults {
    const [faults, rows] = [new Map(known), new Map(lines.map((line, row) => [line, row]))];
    for (const { line, detail, errors } of refused) {
        const row = rows.get(line);
        if (row === undefined) continue;
        const before = known.get(row) ?? [];
        const findings = errors?.length ? errors : [{ field: '', code: '', message: detail }];
        const others = findings.filter(({ field }) => !before.some(({ path }) => path === field));
        faults.set(row, [...before, ...others.map(one => ({ path: one.field, message: inWords(one) }))]);
    }
    return faults;
}
