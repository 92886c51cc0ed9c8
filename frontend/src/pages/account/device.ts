// What a browser or a program says of itself, for people. The first that fits counts: most browsers also name others.
const BROWSERS: [RegExp, string][] = [
    [/\bEdgA?\//, 'Edge'], [/\b(OPR|Opera)\b/, 'Opera'], [/\bSamsungBrowser\//, 'Samsung Internet'], [/\b(Firefox|FxiOS)\//, 'Firefox'],
    [/(Chrome|CriOS)\//, 'Chrome'], [/\bChromium\//, 'Chromium'], [/\bVersion\/.*\bSafari\//, 'Safari'],
];
const SYSTEMS: [RegExp, string][] = [
    [/\biPhone\b/, 'iPhone'], [/\biPad\b/, 'iPad'], [/\bAndroid\b/, 'Android'], [/\bWindows\b/, 'Windows'], [/\bCrOS\b/, 'ChromeOS'],
    [/\bMac OS X\b/, 'macOS'], [/\bLinux\b/, 'Linux'],
];

const first = (names: [RegExp, string][], text: string) => names.find(([pattern]) => pattern.test(text))?.[1];

export interface Device {
    /** Or another program. Empty: unknown. */
    browser: string;
    system?: string;
}

export function device(userAgent: string): Device {
    const browser = first(BROWSERS, userAgent);
    if (browser !== undefined) return { browser, system: first(SYSTEMS, userAgent) };
    // `curl/7.88.1`, `python-requests/2.28`
    const [, program = ''] = /^([^\s/(]{1,40})/.exec(userAgent.replace(/^Mozilla\/[\d.]+\s*/, '')) ?? [];
    return { browser: program, system: first(SYSTEMS, userAgent) };
}
