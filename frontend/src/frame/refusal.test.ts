import { describe, expect, it } from 'vitest';
import { inWords } from './refusal';
import { titled } from './title';

describe('the time until one may try again', () => {
    it('is told in seconds, then minutes, then hours', () => {
        expect(inWords(42, 'en')).toBe('in 42 seconds');
        expect(inWords(90, 'en')).toBe('in 2 minutes');
        expect(inWords(2 * 3600, 'en')).toBe('in 2 hours');
    });

    it('is never told too short', () => {
        expect(inWords(0, 'en')).toBe('in 1 second');
        expect(inWords(121, 'en')).toBe('in 3 minutes');
    });

    it('is told in the language of the page', () => {
        expect(inWords(42, 'de')).toBe('in 42 Sekunden');
        expect(inWords(180, 'fr')).toBe('dans 3 minutes');
    });
});

describe('the title of the window', () => {
    it('names the page before the product', () => {
        expect(titled('Owners')).toBe('Owners · Karana');
    });

    it('is the product when there is none', () => {
        expect([titled(null), titled(' '), titled('Karana')]).toEqual(['Karana', 'Karana', 'Karana']);
    });
});
