import polyglotI18nProvider from 'ra-i18n-polyglot';
import english from './en';

const LANGUAGES = [
    { locale: 'en', name: 'English' },
    { locale: 'de', name: 'Deutsch' },
    { locale: 'fr', name: 'Français' },
];

const load = async (locale: string) => {
    if (locale === 'de') return (await import('./de')).default;
    if (locale === 'fr') return (await import('./fr')).default;
    return english;
};

/** In the language of the browser, if it is one of ours, until another one is chosen. */
export async function languages() {
    const wanted = navigator.language.slice(0, 2);
    const start = LANGUAGES.some(({ locale }) => locale === wanted) ? wanted : 'en';
    const first = await load(start);
    return polyglotI18nProvider(locale => (locale === start ? first : load(locale)), start, LANGUAGES, {
        // The server says what is wrong in a text of its own, which is no key.
        allowMissing: true,
    });
}
