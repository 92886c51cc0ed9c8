import { useLocale, useTranslate } from 'react-admin';

/** A text about so many: `%{count}` is the number as it is written in the language of the page. */
export function useCounted(): (key: string, count: number) => string {
    const [translate, locale] = [useTranslate(), useLocale()];
    return (key, count) => translate(key, { smart_count: count, count: new Intl.NumberFormat(locale).format(count) });
}
