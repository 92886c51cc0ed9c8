// Tables of people name an owner by e-mail or name; the server wants the uuid.
import type { Client } from '../../client';
import type { Field } from './fields';
import type { Table } from './table';

/** What is wrong with a cell before the server has seen it. */
export interface Unresolved {
    row: number;
    path: string;
    message: 'not_found' | 'ambiguous';
}

/** Of each text the uuids of the records that bear it. */
export type Names = Map<string, string[]>;

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
// So many names in one request: an address has its limits.
const AT_A_TIME = 40;

/** The texts in a column of the table that are names. */
export function namesIn(table: Table, path: string): string[] {
    const at = table.columns.indexOf(path);
    const cells = table.rows.map(row => (row[at] ?? '').trim());
    return [...new Set(cells.filter(cell => cell !== '' && !UUID.test(cell)))];
}

const asked = (field: string, name: string) => (field === 'email' ? name.toLowerCase() : name);

/** Looks names up, by the fields that the resource has for it. */
export async function lookUp(client: Client, resource: string, by: string[], names: string[]): Promise<Names> {
    const found: Names = new Map();
    const find = async (field: string, filter: string) => {
        const path = `/v2/${resource}?${filter}&fields=uuid,${field}&limit=500`;
        const { items } = (await client.request(path)).body as unknown as { items: Record<string, string>[] };
        for (const item of items) {
            const name = asked(field, item[field] ?? '');
            found.set(name, [...(found.get(name) ?? []), item.uuid ?? '']);
        }
    };
    const isAddress = (name: string) => by.includes('email') && name.includes('@');
    for (const field of by) {
        const wanted = names.filter(name => isAddress(name) === (field === 'email')).map(name => asked(field, name));
        // A comma would part what is one name.
        const [alone, together] = [wanted.filter(name => name.includes(',')), wanted.filter(name => !name.includes(','))];
        for (let start = 0; start < together.length; start += AT_A_TIME) {
            const some = together.slice(start, start + AT_A_TIME).map(encodeURIComponent);
            await find(field, `filter[${field}][in]=${some.join(',')}`);
        }
        for (const name of alone) await find(field, `filter[${field}]=${encodeURIComponent(name)}`);
    }
    return found;
}

/** The table with uuids in the place of names. */
export function resolved(table: Table, fields: Field[], names: Map<string, Names>): { table: Table; unresolved: Unresolved[] } {
    const unresolved: Unresolved[] = [];
    const rows = table.rows.map((row, number) =>
        row.map((cell, at) => {
            const field = fields.find(({ path }) => path === table.columns[at]);
            const name = cell.trim();
            if (field?.references === undefined || name === '' || UUID.test(name)) return cell;
            const known = names.get(field.references);
            const uuids = known?.get(name) ?? known?.get(name.toLowerCase()) ?? [];
            const [uuid] = uuids;
            if (uuid !== undefined && uuids.length === 1) return uuid;
            unresolved.push({ row: number, path: field.path, message: uuid === undefined ? 'not_found' : 'ambiguous' });
            return cell;
        }),
    );
    return { table: { columns: table.columns, rows }, unresolved };
}
