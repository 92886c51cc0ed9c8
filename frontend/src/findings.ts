// What the server finds wrong, in the language of the page. Its own texts are English; what is right of them goes by the code.
import { useTranslate } from 'react-admin';
import type { Finding } from './client';

type Words = Pick<Finding, 'code' | 'message'>;

/** `must have at most 128 characters`, `must be one of: a, b`: what a rule says beside itself. */
const details = (message: string) => ({
    limit: /-?\d+(\.\d+)?/.exec(message)?.[0] ?? '',
    options: /: (.*)$/.exec(message)?.[1] ?? '',
});

/** The key of its text and what that needs; where there is none the server's own words stand. */
const keyed = ({ code, message }: Words) => ({ key: `server.${code}`, options: { ...details(message), _: message } });

/** For react-admin's inputs, which translate what they show. */
export function asError(finding: Words): string {
    const { key, options } = keyed(finding);
    return `@@react-admin@@${JSON.stringify({ message: key, args: options })}`;
}

export function useFindingInWords(): (finding: Words) => string {
    const translate = useTranslate();
    return finding => {
        const { key, options } = keyed(finding);
        return translate(key, options);
    };
}
