// Which fields a new record can have, by the server's own description.

export interface Field {
    /** As a column is named: `config.post_int`. */
    path: string;
    /** Whether a record must have it, and has no default. */
    isRequired: boolean;
    /** The resource whose record it names. */
    references?: string;
}

export interface Schema {
    properties?: Record<string, Schema>;
    required?: string[];
    default?: unknown;
    type?: string | string[];
    'x-references'?: string;
}

export interface OpenApi {
    components: { schemas: Record<string, Schema | undefined> };
}

export const fieldsOf = (api: OpenApi, resource: string): Field[] => flat(api.components.schemas[`${resource}.New`] ?? {});

/** Those of objects by their own names, what is required first. */
function flat(schema: Schema, above = '', isAboveRequired = true): Field[] {
    const fields = Object.entries(schema.properties ?? {}).flatMap(([name, inner]): Field[] => {
        const path = above + name;
        const isRequired = isAboveRequired && (schema.required?.includes(name) ?? false);
        if (inner.properties !== undefined) return flat(inner, `${path}.`, isRequired);
        // An empty cell is null where the field can be.
        const isNullable = Array.isArray(inner.type) && inner.type.includes('null');
        return [{ path, isRequired: isRequired && !isNullable, references: inner['x-references'] }];
    });
    return above === '' ? fields.sort((a, b) => Number(b.isRequired) - Number(a.isRequired)) : fields;
}

/** By what a record can be named in a table beside its uuid. */
export const namesOf = (api: OpenApi, resource: string): string[] =>
    ['email', 'name'].filter(name => api.components.schemas[`${resource}.New`]?.properties?.[name] !== undefined);
