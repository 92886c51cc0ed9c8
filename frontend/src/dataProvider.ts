import {
    type DataProvider,
    type GetListParams,
    type GetListResult,
    HttpError,
    type Identifier,
    type RaRecord,
} from 'react-admin';
import { type Answer, type Client, type Finding, type Json, Refusal, type Request } from './client';
import { asError } from './findings';
import { LIST } from './lists';

type Fields = { [name: string]: Json };

interface Page {
    items: Fields[];
    next: string | null;
    total: number;
}

/** What react-admin gets beside the fields: the key under its name for it, and which version this is. */
const ETAG = '_etag';
const OURS = ['id', ETAG, 'status'];

/** Whether a record is all that one may see of it; react-admin shows that of a list, without its secrets, until it has come. */
export const isWhole = (record: RaRecord | undefined): boolean => record?.[ETAG] !== undefined;

// The most that a page of the API holds.
const MOST = 500;
// As many records are read beside each other.
const AT_ONCE = 8;

/** What of each record a list asks for: a part of the query, by itself or (where react-admin wants an object) as `query`. */
const shown = (meta: unknown): string | undefined =>
    typeof meta === 'string' ? meta : (meta as { query?: string } | undefined)?.query;

export function dataProvider(client: Client, onDeleted: (resource: string, ids: string[]) => void = () => {}): DataProvider {
    const call = (path: string, request?: Request): Promise<Answer> =>
        client.request(path, request).catch(error => {
            throw translated(error);
        });

    // How far each list has been read: the cursor by which the records after so many begin.
    const places = new Map<string, Map<number, string>>();

    async function list(resource: string, params: GetListParams): Promise<GetListResult> {
        const query = [filterQuery(params.filter), sortQuery(params)].filter(part => part !== '').join('&');
        const { page, perPage } = params.pagination ?? { page: 1, perPage: 50 };
        const from = (page - 1) * perPage;
        const key = `${resource}?${query}`;
        const known = places.get(key) ?? new Map<number, string>();
        places.set(key, known);
        const read = async (offset: number, limit: number, shown: string): Promise<Page> => {
            const after = known.get(offset);
            const parts = [query, `limit=${limit}`, after && `after=${encodeURIComponent(after)}`, shown];
            const { body } = await call(`/v2/${resource}?${parts.filter(Boolean).join('&')}`);
            const answer = body as unknown as Page;
            const end = offset + limit;
            if (known.get(end) !== answer.next) {
                // What lies behind has moved.
                for (const place of [...known.keys()]) if (place >= end) known.delete(place);
                if (answer.next !== null) known.set(end, answer.next);
            }
            return answer;
        };
        let offset = Math.max(0, ...[...known.keys()].filter(place => place <= from));
        while (offset < from) {
            const step = Math.min(from - offset, MOST);
            const skipped = await read(offset, step, 'fields=uuid');
            if (skipped.next === null) return { data: [], total: skipped.total };
            offset += step;
        }
        const { items, total } = await read(from, perPage, shown(params.meta) ?? LIST[resource] ?? '');
        return { data: items.map(item => record(item)), total };
    }

    const read = async (resource: string, id: Identifier): Promise<RaRecord> => {
        const include = resource in LIST ? '?include=status' : '';
        const { body, etag } = await call(`/v2/${resource}/${id}${include}`);
        return record(body as Fields, etag);
    };

    const remove = async (resource: string, id: Identifier, seen: unknown, dependents?: string) => {
        // From a list nobody knows the version: it is the one of now.
        const ifMatch = typeof seen === 'string' ? seen : ((await read(resource, id))[ETAG] as string);
        const query = dependents === undefined ? '' : `?dependents=${dependents}`;
        await call(`/v2/${resource}/${id}${query}`, { method: 'DELETE', ifMatch });
    };

    const provider = {
        getList: list,
        async getOne(resource: string, { id }: { id: Identifier }) {
            return { data: await read(resource, id) };
        },
        async getMany(resource: string, { ids }: { ids: Identifier[] }) {
            const data: RaRecord[] = [];
            for (let start = 0; start < ids.length; start += 100) {
                const some = ids.slice(start, start + 100);
                const query = `filter[uuid][in]=${some.join(',')}&limit=100&${LIST[resource] ?? ''}`;
                const { body } = await call(`/v2/${resource}?${query}`);
                data.push(...(body as unknown as Page).items.map(item => record(item)));
            }
            return { data };
        },
        getManyReference(resource: string, params: GetListParams & { target: string; id: Identifier }) {
            return list(resource, { ...params, filter: { ...params.filter, [params.target]: params.id } });
        },
        async create(resource: string, { data }: { data: object }) {
            const { body, etag } = await call(`/v2/${resource}`, { method: 'POST', body: data as Fields });
            return { data: record(body as Fields, etag) };
        },
        async update(
            resource: string,
            { id, data, previousData }: { id: Identifier; data: object; previousData?: object },
        ) {
            const before = (previousData ?? {}) as Fields;
            const patch = changes(before, data as Fields);
            const seen = before[ETAG];
            await call(`/v2/${resource}/${id}`, {
                method: 'PATCH',
                body: patch,
                ifMatch: typeof seen === 'string' ? seen : undefined,
            });
            return { data: await read(resource, id) };
        },
        async updateMany(resource: string, { ids, data }: { ids: Identifier[]; data: object }) {
            const operation = (id: Identifier) => ({ op: 'update', resource, uuid: String(id), data: data as Fields });
            await call('/v2/batch', { method: 'POST', body: { operations: ids.map(operation) } });
            return { data: ids };
        },
        async delete(
            resource: string,
            { id, previousData, meta }: { id: Identifier; previousData?: object; meta?: { dependents?: string } },
        ) {
            await remove(resource, id, (previousData as Fields | undefined)?.[ETAG], meta?.dependents);
            onDeleted(resource, [String(id)]);
            return { data: { ...previousData, id } };
        },
        async deleteMany(resource: string, { ids }: { ids: Identifier[] }) {
            // As one: all of them or none. A list has no tags, and react-admin hands on the ids alone; so it is deleted what is
            // there now, read just before. That what one sees in the list is no older than a moment is what `live.ts` is for.
            const tags: string[] = [];
            for (let start = 0; start < ids.length; start += AT_ONCE) {
                const some = await Promise.all(ids.slice(start, start + AT_ONCE).map(id => read(resource, id)));
                tags.push(...some.map(one => one[ETAG] as string));
            }
            const operation = (id: Identifier, place: number) =>
                ({ op: 'delete', resource, uuid: String(id), if_match: tags[place] ?? '*' });
            await call('/v2/batch', { method: 'POST', body: { operations: ids.map(operation) } });
            onDeleted(resource, ids.map(String));
            return { data: ids };
        },
    };
    return provider as unknown as DataProvider;
}

function record(fields: Fields, etag?: string | null): RaRecord {
    return { ...fields, id: fields.uuid as string, ...(etag ? { [ETAG]: etag } : {}) };
}

/**
 * `{'name@contains': 'x', owner: null}` → `filter[name][contains]=x&filter[owner]=null`. The inputs of react-admin make
 * objects of dotted names. `connection` is a parameter of its own.
 */
export function filterQuery(filter: unknown): string {
    const parts: string[] = [];
    const walk = (value: unknown, path: string) => {
        if (value === undefined || value === '') return;
        if (value !== null && typeof value === 'object' && !Array.isArray(value)) {
            for (const [name, inner] of Object.entries(value)) walk(inner, path === '' ? name : `${path}.${name}`);
            return;
        }
        const text = encodeURIComponent(Array.isArray(value) ? value.join(',') : String(value));
        if (path === 'connection') {
            parts.push(`connection=${text}`);
            return;
        }
        const [field, operator] = path.split('@');
        parts.push(`filter[${field}]${operator ? `[${operator}]` : ''}=${text}`);
    };
    walk(filter ?? {}, '');
    return parts.join('&');
}

export function sortQuery({ sort }: Pick<GetListParams, 'sort'>): string {
    if (!sort?.field) return '';
    const field = sort.field === 'id' ? 'uuid' : sort.field;
    return `sort=${sort.order === 'DESC' ? '-' : ''}${field}`;
}

const isObject = (value: Json | undefined): value is Fields =>
    value !== null && typeof value === 'object' && !Array.isArray(value);

/** A merge patch (RFC 7396) of what has been changed. An empty input of what was not there is no change. */
export function changes(before: Fields, after: Fields): Fields {
    const patch: Fields = {};
    for (const [name, value] of Object.entries(after)) {
        const old = before[name];
        if (OURS.includes(name) || value === undefined) continue;
        if (isObject(value)) {
            const inner = changes(isObject(old) ? old : {}, value);
            if (Object.keys(inner).length > 0) patch[name] = inner;
        } else if ((old === undefined || old === null) && (value === null || value === '')) {
            continue;
        } else if (JSON.stringify(old) !== JSON.stringify(value)) {
            patch[name] = value;
        }
    }
    return patch;
}

/** As react-admin shows it: a text beside each field, and one message. */
export function translated(error: unknown): unknown {
    if (!(error instanceof Refusal) || error.status === 401) return error;
    if (error.status === 412) return new HttpError('karana.conflict', 412);
    return new HttpError(error.message, error.status, { errors: byField(error.findings), findings: error.findings });
}

function byField(findings: Finding[]): object {
    const errors: { [name: string]: unknown } = {};
    for (const finding of findings) {
        const { field } = finding;
        const path = field === '' ? ['root', 'serverError'] : field.split('.');
        const last = path.pop() as string;
        let at = errors;
        for (const name of path) {
            if (typeof at[name] !== 'object') at[name] = {};
            at = at[name] as { [name: string]: unknown };
        }
        at[last] ??= asError(finding);
    }
    return errors;
}
