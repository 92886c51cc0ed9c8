import { describe, expect, it } from 'vitest';
import german from './de';
import english from './en';
import french from './fr';
import { regional } from './region';

/** Each text by its key. */
function texts(words: object, path = ''): Map<string, string> {
    const found = Object.entries(words).map(([name, value]): [string, string][] => {
        const key = path === '' ? name : `${path}.${name}`;
        return typeof value === 'string' ? [[key, value]] : [...texts(value as object, key)];
    });
    return new Map(found.flat());
}

const variables = (text: string) => [...new Set(text.match(/%\{\w+\}/g))].sort();

describe.each([['German', german], ['French', french]])('%s', (_, words) => {
    const [ours, theirs] = [texts(words.karana), texts(english.karana)];

    it('says the same of the same', () => {
        for (const [key, text] of theirs) {
            expect(ours.get(key), key).toBeTruthy();
            expect(variables(ours.get(key) ?? ''), key).toEqual(variables(text));
        }
        expect(ours.size).toBe(theirs.size);
    });
});

describe('dates and numbers', () => {
    it('are written as where the browser is at home', () => {
        expect(regional('en', ['fr-CH', 'en-GB', 'en'])).toBe('en-GB');
        expect(regional('de', ['en-GB'])).toBe('de');
        expect(regional('de', ['den', 'de'])).toBe('de');
    });
});
