// The past of a record, from the JSON Patches (RFC 6902) that the server keeps.
import type { Json } from '../client';

export type Fields = { [name: string]: Json };

export interface Operation {
    op: string;
    path: string;
    value?: Json;
    from?: string;
}

export interface Change {
    resource: string;
    uuid: string;
    action: 'create' | 'update' | 'delete';
    patch: Operation[];
    /** Paths of secrets that have changed. */
    secrets?: string[];
}

/** What stands beside the changes of a commit. */
export interface Commit {
    revision: string;
    time: string;
    actor: string;
    author: string;
}

/** `GET /v2/{resource}/{id}/history` */
export type Entry = Commit & Change;

/** `GET /v2/history` */
export interface CommitEntry extends Commit {
    changes?: Change[];
    records?: number;
}

export interface Version {
    entry: Entry;
    /** `undefined`: not known, since it is on a page that was not read. */
    before: Fields | null | undefined;
    after: Fields | null | undefined;
}

export const isFields = (value: unknown): value is Fields => value !== null && typeof value === 'object' && !Array.isArray(value);

const steps = (path: string) => path.split('/').slice(1).map(step => step.replace(/~1/g, '/').replace(/~0/g, '~'));

function at(value: Json, path: string[]): Json | undefined {
    return path.reduce<Json | undefined>((inner, step) => {
        if (Array.isArray(inner)) return inner[Number(step)];
        return isFields(inner) ? inner[step] : undefined;
    }, value);
}

/** With `value` at the path (`undefined`: with nothing there); the rest is shared. */
function put(target: Json, [step, ...rest]: string[], value: Json | undefined, insert: boolean): Json {
    if (step === undefined) return value ?? null;
    if (Array.isArray(target)) {
        const place = step === '-' ? target.length : Number(step);
        if (rest.length > 0) return target.map((item, index) => (index === place ? put(item, rest, value, insert) : item));
        const items = value === undefined ? [] : [value];
        return [...target.slice(0, place), ...items, ...target.slice(insert ? place : place + 1)];
    }
    const { [step]: old = {}, ...others } = isFields(target) ? target : {};
    if (rest.length > 0) return { ...target as Fields, [step]: put(old, rest, value, insert) };
    return value === undefined ? others : { ...target as Fields, [step]: value };
}

export function applied(record: Fields | null, patch: Operation[]): Fields | null {
    return patch.reduce<Json>((target, { op, path, value, from }) => {
        if (op === 'add') return put(target, steps(path), value, true);
        if (op === 'replace') return put(target, steps(path), value, false);
        if (op === 'remove') return put(target, steps(path), undefined, false);
        const moved = at(target, steps(from ?? ''));
        if (op === 'copy') return put(target, steps(path), moved, true);
        if (op === 'move') return put(put(target, steps(from ?? ''), undefined, false), steps(path), moved, true);
        return target;
    }, record) as Fields | null;
}

/** What the record was before and after each entry; the newest is first, as the server has it. */
export function versions(entries: Entry[], complete: boolean): Version[] {
    let now: Fields | null | undefined = complete ? null : undefined;
    const past: Version[] = [];
    for (const entry of [...entries].reverse()) {
        const before: Fields | null | undefined = entry.action === 'create' ? null : now;
        const isLost: boolean = before === undefined && entry.action !== 'delete';
        const after: Fields | null | undefined = isLost ? undefined : applied(before ?? null, entry.patch);
        past.push({ entry, before, after });
        now = after;
    }
    return past.reverse();
}

export interface Difference {
    /** With dots, as the fields of a form. */
    source: string;
    before?: Json;
    after?: Json;
}

// What everybody sees elsewhere, or nobody wants to.
const KEYS = ['id', 'uuid', '_etag', 'status'];

/** The fields that are different. What was not there is as good as null. */
export function differences(before: Fields | null, after: Fields | null, prefix = ''): Difference[] {
    const names = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])];
    return names.filter(name => prefix !== '' || !KEYS.includes(name)).flatMap((name): Difference[] => {
        const [old, now] = [before?.[name], after?.[name]];
        const source = prefix + name;
        if (isFields(old) || isFields(now)) {
            return differences(isFields(old) ? old : null, isFields(now) ? now : null, `${source}.`);
        }
        return JSON.stringify(old ?? null) === JSON.stringify(now ?? null) ? [] : [{ source, before: old, after: now }];
    });
}

/** What is known of a change without the record: the new values. */
export function named(patch: Operation[]): Difference[] {
    return patch.flatMap(({ op, path, value }): Difference[] => {
        if (path === '') return differences(null, isFields(value) ? value : null);
        const source = steps(path).join('.');
        if (isFields(value)) return differences(null, value, `${source}.`);
        return [{ source, after: op === 'remove' ? null : value }];
    });
}
