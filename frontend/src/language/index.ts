import polyglotI18nProvider from 'ra-i18n-polyglot';
import { preferences } from '../frame/preferences';
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

/** The language that was chosen, or the first of those of the browser that is one of ours. */
function wanted(): string {
    const names = [preferences.getItem<string>('locale'), ...navigator.languages];
    const ours = names.map(name => LANGUAGES.find(({ locale }) => locale === name?.slice(0, 2))).find(one => one !== undefined);
    return ours?.locale ?? 'en';
}

export async function languages() {
    const start = wanted();
    const first = await load(start);
    const provider = polyglotI18nProvider(locale => (locale === start ? first : load(locale)), start, LANGUAGES, {
        // The server says what is wrong in a text of its own, which is no key.
        allowMissing: true,
    });
    document.documentElement.lang = start;
    return {
        ...provider,
        async changeLocale(locale: string) {
            await provider.changeLocale(locale);
            document.documentElement.lang = locale;
        },
    };
}
