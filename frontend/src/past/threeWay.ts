// Two have changed one record: what each of them has changed, and one record out of both.
import type { Json } from '../client';
import { type Fields, differences, isFields } from './versions';

export interface Clash {
    source: string;
    base?: Json;
    theirs?: Json;
    mine?: Json;
    /** Who has changed it; `both` differently. */
    by: 'me' | 'them' | 'both';
}

export type Choice = 'mine' | 'theirs';

// An input that was emptied, and one that always was.
const known = (value: Json | undefined) => (value === undefined || value === '' ? null : value);
const same = (one: Json | undefined, other: Json | undefined) => JSON.stringify(known(one)) === JSON.stringify(known(other));

/** Field by field what differs between the version that was opened, the present one, and the form. */
export function compared(base: Fields, theirs: Fields, mine: Fields): Clash[] {
    // What the form leaves out it has not changed.
    const changed = (other: Fields) =>
        new Map(differences(base, other).filter(one => !same(one.before, one.after)).map(one => [one.source, one]));
    const [them, me] = [changed(theirs), changed(filled(base, mine))];
    return [...new Set([...them.keys(), ...me.keys()])].flatMap((source): Clash[] => {
        const [by, my] = [them.get(source), me.get(source)];
        const before = (by ?? my)?.before;
        if (by !== undefined && my !== undefined) {
            if (same(by.after, my.after)) return [{ source, base: before, theirs: by.after, mine: my.after, by: 'them' }];
            return [{ source, base: before, theirs: by.after, mine: my.after, by: 'both' }];
        }
        if (my !== undefined) return [{ source, base: before, theirs: before, mine: my.after, by: 'me' }];
        return [{ source, base: before, theirs: by?.after, mine: before, by: 'them' }];
    });
}

/** Their version with those of my changes on it that were chosen: where both have changed a field, mine if nothing is said. */
export function merged(theirs: Fields, clashes: Clash[], choices: Record<string, Choice> = {}): Fields {
    return clashes
        .filter(({ source, by }) => by === 'me' || (by === 'both' && choices[source] !== 'theirs'))
        .reduce((record, { source, mine }) => withValue(record, source.split('.'), mine ?? null), theirs);
}

function withValue(record: Fields, [name, ...rest]: string[], value: Json): Fields {
    if (name === undefined) return record;
    const inner = record[name];
    const object = inner !== null && typeof inner === 'object' && !Array.isArray(inner) ? inner : {};
    return { ...record, [name]: rest.length === 0 ? value : withValue(object, rest, value) };
}

function filled(base: Fields, mine: Fields): Fields {
    const own: Fields = { ...mine };
    for (const [name, value] of Object.entries(base)) {
        const inner = own[name];
        if (inner === undefined) own[name] = value;
        else if (isFields(value) && isFields(inner)) own[name] = filled(value, inner);
    }
    return own;
}
