import { useLocale, useTranslate } from 'react-admin';
import { Refusal } from '../client';

const STEPS = [[1, 'second', 90], [60, 'minute', 90 * 60], [3600, 'hour', Infinity]] as const;

/** `in 42 seconds`, `in 3 minutes`: never less than it is. */
export function inWords(seconds: number, locale: string): string {
    const [length, unit] = STEPS.find(([, , most]) => seconds < most) ?? STEPS[2];
    return new Intl.RelativeTimeFormat(locale).format(Math.max(1, Math.ceil(seconds / length)), unit);
}

/** Why something was refused, for people. */
export function useRefusalInWords(): (error: unknown) => string {
    const [translate, locale] = [useTranslate(), useLocale()];
    return error => {
        if (error instanceof Refusal && error.status === 429 && error.retryAfter !== null) {
            return translate('karana.frame.wait', { time: inWords(error.retryAfter, locale) });
        }
        if (error instanceof Refusal) return translate(`server.${error.code}`, { _: translate(error.message) });
        return translate(error instanceof Error && error.message !== '' ? error.message : 'ra.page.error');
    };
}
