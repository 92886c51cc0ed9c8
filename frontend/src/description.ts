// The server's description of itself, read once when a page first needs it.
import { useQuery } from '@tanstack/react-query';
import { client } from './api';
import type { Refusal } from './client';
import { type Description, namesOf, valueAt } from './schema';

let read: Description | undefined;

/** `GET /openapi.json`; it only changes with another start of the server. */
export function useDescription() {
    return useQuery<Description, Refusal>({
        queryKey: ['description'],
        queryFn: async () => {
            read = (await client.request('/openapi.json')).body as unknown as Description;
            return read;
        },
        staleTime: Infinity,
        gcTime: Infinity,
    });
}

/** By what people know a record of the resource: its name, else what had to be said of it. */
export function representation(resource: string) {
    return (record: { id?: unknown; name?: string; email?: string }): string => {
        const known = record.name || record.email;
        if (known) return known;
        const names = read === undefined ? [] : namesOf(read, resource);
        const values = names.map(({ source }) => valueAt(record, source)).filter(value => value !== undefined && value !== null && value !== '');
        return values.map((value, place) => (names[place]?.kind === 'time' ? String(value).slice(0, 10) : String(value))).join(' ')
            || String(record.id ?? '').slice(0, 8);
    };
}
