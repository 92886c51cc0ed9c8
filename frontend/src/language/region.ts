/** The language as it is written where the browser is at home: dates of an English page are not those of America everywhere. */
export const regional = (language: string, browser: readonly string[] = navigator.languages): string =>
    browser.find(one => one === language || one.startsWith(`${language}-`)) ?? language;
