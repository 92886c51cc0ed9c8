import { describe, expect, it } from 'vitest';
import polyglotI18nProvider from 'ra-i18n-polyglot';
import { asError } from '../findings';
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

describe('what the server finds', () => {
    const shown = (words: object, code: string, message: string) => {
        const [text, provider] = [asError({ code, message }), polyglotI18nProvider(() => words as never, 'xx', [], { allowMissing: true })];
        const { message: key, args } = JSON.parse(text.replace('@@react-admin@@', '')) as { message: string; args: object };
        return provider.translate(key, args);
    };

    it('is said in the language of the page by its code, with the limits that it names', () => {
        const long = 'must have at most 128 characters';
        expect(shown(german, 'max_length', long)).toBe('darf höchstens 128 Zeichen haben');
        expect(shown(french, 'enum', 'must be one of: a, b')).toBe('doit être l’un de : a, b');
        expect(shown(english, 'max_length', long)).toBe(long);
        expect(shown(german, 'clock_ahead', 'as it is')).toBe('as it is');
    });

    it('is known alike', () => {
        expect(Object.keys(german.server).sort()).toEqual(Object.keys(french.server).sort());
        for (const [code, text] of Object.entries(german.server)) {
            expect(variables(text)).toEqual(variables((french.server as Record<string, string>)[code] ?? ''));
        }
    });
});

describe('dates and numbers', () => {
    it('are written as where the browser is at home', () => {
        expect(regional('en', ['fr-CH', 'en-GB', 'en'])).toBe('en-GB');
        expect(regional('de', ['en-GB'])).toBe('de');
        expect(regional('de', ['den', 'de'])).toBe('de');
    });
});
