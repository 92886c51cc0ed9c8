const UNITS = [['day', 86_400], ['hour', 3600], ['minute', 60]] as const;

/** How long ago, in the largest unit that fits: `4 days ago`. */
export function ago(at: string, now: number, locale: string): string {
    const seconds = Math.max(0, (now - Date.parse(at)) / 1000);
    const [unit, length] = UNITS.find(([, length]) => seconds >= length) ?? ['minute', 60];
    return new Intl.RelativeTimeFormat(locale, { numeric: 'always' }).format(-Math.floor(seconds / length), unit);
}
