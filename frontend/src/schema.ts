// What the server's description says of the fields of a resource, as forms and tables need it.
import type { Json } from './client';

/** JSON Schema 2020-12, as far as `GET /openapi.json` uses it. */
export interface Schema {
    type?: string | string[];
    format?: string;
    enum?: Json[];
    default?: Json;
    description?: string;
    properties?: Record<string, Schema>;
    required?: string[];
    additionalProperties?: boolean | Schema;
    anyOf?: Schema[];
    pattern?: string;
    minimum?: number;
    maximum?: number;
    minLength?: number;
    maxLength?: number;
    readOnly?: boolean;
    writeOnly?: boolean;
    'x-references'?: string;
}

interface Parameter {
    name: string;
    schema?: { items?: { enum?: string[] } };
}

/** `GET /openapi.json` */
export interface Description {
    components: { schemas: Record<string, Schema> };
    paths: Record<string, { get?: { parameters?: Parameter[] } }>;
}

export type Kind = 'text' | 'long' | 'email' | 'number' | 'boolean' | 'choice' | 'reference' | 'date' | 'time' | 'json';

export interface Field {
    /** With dots where it is inside another one. */
    source: string;
    kind: Kind;
    schema: Schema;
    /** Asked for: neither null nor a default will do. */
    required: boolean;
    nullable: boolean;
    readOnly: boolean;
    /** Shown on request only; nobody sorts or filters by it. */
    secret: boolean;
    sortable: boolean;
    /** The resource it refers to. */
    reference?: string;
    choices?: string[];
}

/** What a resource is described as: when it is made, replaced, or read. */
export type Shape = 'New' | 'Replacement' | 'Record';

// A text that may be longer than this is written in several lines.
const LINE = 512;

const types = ({ type }: Schema): string[] => (Array.isArray(type) ? type : type === undefined ? [] : [type]);

function kindOf(schema: Schema): Kind {
    const of = types(schema).filter(type => type !== 'null');
    if (schema['x-references'] !== undefined) return 'reference';
    if (schema.enum !== undefined) return 'choice';
    if (of.length !== 1) return 'json';
    if (of[0] === 'boolean') return 'boolean';
    if (of[0] === 'integer' || of[0] === 'number') return 'number';
    if (of[0] !== 'string') return 'json';
    if (schema.format === 'date') return 'date';
    if (schema.format === 'date-time') return 'time';
    if (schema.format === 'email') return 'email';
    return (schema.maxLength ?? 0) > LINE ? 'long' : 'text';
}

/** An object whose fields are known; any other value is one field. */
const isGroup = (schema: Schema) =>
    schema.properties !== undefined && (schema.additionalProperties === false || schema.additionalProperties === undefined);

/** The fields by which lists can be sorted: all that are one comparable value, but for secrets. */
export function sortable(description: Description, resource: string): Set<string> {
    const parameters = description.paths[`/v2/${resource}`]?.get?.parameters ?? [];
    const values = parameters.find(({ name }) => name === 'sort')?.schema?.items?.enum ?? [];
    return new Set(values.filter(value => !value.startsWith('-')));
}

/** All fields of a resource in one of its shapes, those asked for first; `uuid` is the key, and none of them. */
export function fieldsOf(description: Description, resource: string, shape: Shape): Field[] {
    const compared = sortable(description, resource);
    const fields: Field[] = [];
    const walk = (schema: Schema, prefix: string, asked: boolean) => {
        for (const [name, inner] of Object.entries(schema.properties ?? {})) {
            const source = prefix + name;
            // Live state is no part of the record.
            if (source === 'uuid' || (source === 'status' && inner.readOnly)) continue;
            const required = asked && (schema.required ?? []).includes(name);
            if (isGroup(inner)) {
                walk(inner, `${source}.`, required || inner.default !== undefined);
                continue;
            }
            const kind = kindOf(inner);
            const nullable = types(inner).includes('null') || (inner.enum ?? []).includes(null);
            fields.push({
                source, kind, schema: inner, nullable,
                required: required && !nullable,
                readOnly: inner.readOnly === true,
                secret: inner.writeOnly === true || (kind !== 'json' && !compared.has(source)),
                sortable: compared.has(source),
                reference: inner['x-references'],
                choices: inner.enum?.filter(choice => typeof choice === 'string'),
            });
        }
    };
    walk(description.components.schemas[`${resource}.${shape}`] ?? {}, '', true);
    const rank = (field: Field) => (field.source === 'name' ? 0 : field.readOnly ? 3 : field.required ? 1 : 2);
    return fields.map((field, place) => ({ field, place }))
        .sort((a, b) => rank(a.field) - rank(b.field) || a.place - b.place)
        .map(({ field }) => field);
}

// More columns than these do not fit beside each other.
const COLUMNS = 6;

/** What a list shows, the time of making last. */
export function columnsOf(description: Description, resource: string): Field[] {
    const fields = fieldsOf(description, resource, 'Record').filter(({ sortable, kind }) => sortable && kind !== 'long');
    const asked = new Set(required(description, resource));
    const first = fields.filter(({ source }) => asked.has(source));
    const others = fields.filter(({ source }) => !asked.has(source) && source !== 'created_at');
    const made = fields.filter(({ source }) => source === 'created_at');
    return [...[...first, ...others].slice(0, COLUMNS - made.length), ...made];
}

/** Fields that must be given when a record is made, as they are declared. */
const required = (description: Description, resource: string) =>
    description.components.schemas[`${resource}.New`]?.required ?? [];

/** The fields by which people tell its records apart. */
export function namesOf(description: Description, resource: string): Field[] {
    const fields = fieldsOf(description, resource, 'Record').filter(({ secret }) => !secret);
    const named = fields.find(({ source }) => source === 'name') ?? fields.find(({ source }) => source === 'email');
    if (named !== undefined) return [named];
    const asked = required(description, resource)
        .map(name => fields.find(({ source }) => source === name))
        .filter(field => field !== undefined && field.kind !== 'reference' && field.kind !== 'json');
    return (asked as Field[]).slice(0, 2);
}

/** What a field is for, without what one sees anyhow. */
export const explained = ({ description = '' }: Schema): string =>
    description.replace(/The uuid of one of \S+\.$/, '').replace(/A secret: absent for those who may not see it\.$/, '').trim();

/** `config.post_int` → `Config: post int`, for what has no translation. */
export function humanised(source: string): string {
    const text = source.replace(/[_-]+/g, ' ').replace(/\./g, ': ').trim();
    return text.charAt(0).toUpperCase() + text.slice(1);
}

/** What stands at a path with dots. */
export const valueAt = (record: unknown, source: string): unknown =>
    source.split('.').reduce<unknown>(
        (at, name) => (at !== null && typeof at === 'object' ? (at as Record<string, unknown>)[name] : undefined), record,
    );
