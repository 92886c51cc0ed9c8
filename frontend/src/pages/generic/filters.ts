// How the records of a list can be asked for by a field of theirs.
import type { Field } from '../../schema';

export interface Comparison {
    /** As `filterQuery` takes it: the field, `@`, the operator. */
    source: string;
    /** What it is called, around the name of the field; without one it is the field itself. */
    text?: string;
}

export function comparisons({ kind, source }: Field): Comparison[] {
    if (kind === 'choice' || kind === 'reference' || kind === 'boolean') return [{ source }];
    if (kind === 'number' || kind === 'date' || kind === 'time') {
        return [
            { source: `${source}@gte`, text: 'karana.past.at_least' },
            { source: `${source}@lte`, text: 'karana.past.at_most' },
        ];
    }
    return [{ source: `${source}@contains` }];
}
