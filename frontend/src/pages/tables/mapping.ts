// Which column is which field.
import type { Field } from './fields';
import type { Table } from './table';

/** The field of each column; null: the column is left out. */
export type Mapping = (string | null)[];

const bare = (text: string) => text.normalize('NFD').toLowerCase().replace(/[^a-z0-9]/g, '');

/** `Posts every (minutes)` → `Posts every` */
const withoutUnit = (label: string) => label.replace(/\s*\([^)]*\)\s*$/, '');

/**
 * By the header: a field's path, its name in the language of the page, also without its unit, or the last part of its path.
 * Each field once.
 * What only the server sets, as in a table that it has written, is no field of a new record.
 */
export function mapColumns(columns: string[], fields: Field[], label: (path: string) => string): Mapping {
    const last = (path: string) => path.split('.').pop() ?? path;
    const ways: ((path: string) => string)[] = [path => path, label, path => withoutUnit(label(path)), last];
    const mapping: Mapping = columns.map(() => null);
    const names = columns.map(bare);
    for (const way of ways) {
        const known = fields.map(({ path }) => ({ path, name: bare(way(path)) }));
        names.forEach((column, at) => {
            if (mapping[at] !== null || column === '') return;
            const field = known.find(({ path, name }) => name === column && !mapping.includes(path));
            if (field !== undefined) mapping[at] = field.path;
        });
    }
    return mapping;
}

/** Required fields that no column brings. */
export const missing = (mapping: Mapping, fields: Field[]): Field[] =>
    fields.filter(({ path, isRequired }) => isRequired && !mapping.includes(path));

/** The table with the columns that have a field, by its name. */
export function mapped(table: Table, mapping: Mapping): Table {
    const kept = mapping.flatMap((path, at) => (path === null ? [] : [{ path, at }]));
    return { columns: kept.map(({ path }) => path), rows: table.rows.map(row => kept.map(({ at }) => row[at] ?? '')) };
}

/**
 * Owners sign in with their address. One without a password gets one that nobody knows: a link to choose their own can be
 * made of each.
 */
export function completed(resource: string, table: Table, password: () => string): Table {
    if (resource !== 'users') return table;
    const login = withColumn(table, 'credentials.login', row => row[table.columns.indexOf('email')] ?? '');
    return withColumn(login, 'credentials.password', password);
}

function withColumn({ columns, rows }: Table, name: string, cell: (row: string[]) => string): Table {
    const at = columns.indexOf(name);
    if (at < 0) return { columns: [...columns, name], rows: rows.map(row => [...row, cell(row)]) };
    return { columns, rows: rows.map(row => row.map((old, index) => (index === at && old === '' ? cell(row) : old))) };
}

export function randomPassword(): string {
    return [...crypto.getRandomValues(new Uint8Array(16))].map(byte => byte.toString(16).padStart(2, '0')).join('');
}
