// What a form of described fields sends.
import type { Abilities } from '../../authProvider';
import type { Fields } from '../../past/versions';
import { isFields } from '../../past/versions';
import type { Field } from '../../schema';

/** Without what was left empty and cannot be: the server has a default for it, or says that it is asked for. */
export function given(fields: Field[], data: Fields, prefix = ''): Fields {
    const kept = Object.entries(data).flatMap(([name, value]): [string, Fields[string]][] => {
        const field = fields.find(({ source }) => source === prefix + name);
        if (field === undefined && isFields(value)) return [[name, given(fields, value, `${prefix}${name}.`)]];
        return (value === null || value === '') && field?.nullable !== true ? [] : [[name, value]];
    });
    return Object.fromEntries(kept);
}

/** The fields that one may change. */
export function writable(fields: Field[], may: Abilities['update'] | undefined): Field[] {
    const named = (source: string) =>
        Array.isArray(may) ? may.some(name => source === name || source.startsWith(`${name}.`)) : may === true;
    return fields.filter(({ readOnly, source }) => !readOnly && named(source));
}
