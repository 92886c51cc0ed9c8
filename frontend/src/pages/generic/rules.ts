import { type Validator, email, maxLength, maxValue, minLength, minValue, required } from 'react-admin';
import type { Field } from '../../schema';

/** What can be said of a value before the server is asked. Patterns are left to it: they are not those of JavaScript. */
export function rules({ schema, kind, required: asked }: Field): Validator[] {
    const { minLength: shortest, maxLength: longest, minimum, maximum } = schema;
    return [
        // To say no is to say something.
        asked && kind !== 'boolean' && required(),
        kind === 'email' && email(),
        shortest !== undefined && minLength(shortest),
        longest !== undefined && maxLength(longest),
        minimum !== undefined && minValue(minimum),
        maximum !== undefined && maxValue(maximum),
    ].filter(rule => rule !== false);
}
