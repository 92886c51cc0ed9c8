// The one client of the page, and what its parts ask the server beside lists and records.
import { QueryClient, useQuery } from '@tanstack/react-query';
import { usePermissions } from 'react-admin';
import { authProvider as authFor, type Standing } from './authProvider';
import type { Refusal } from './client';
import { dataProvider as dataFor, translated } from './dataProvider';
import { noteDeletion } from './past/undo';
import { client } from './session';

export { client };
export const authProvider = authFor(client);
export const dataProvider = dataFor(client, (resource, ids) => noteDeletion({ resource, ids }));

// A refusal stays one, however often it is asked for.
const refused = (error: Error) => {
    const { status } = error as Partial<Refusal>;
    return status !== undefined && status >= 400 && status < 500;
};

/** What has been read is kept here. */
export const queries = new QueryClient({
    defaultOptions: { queries: { retry: (failures, error) => failures < 3 && !refused(error) } },
});

/** Who is signed in, what this server is, and what one may do here (`GET /v2/me`, `GET /v2/about`). */
export function useStanding(): Standing | undefined {
    return usePermissions<Standing | null>().permissions ?? undefined;
}

interface Asked<T> {
    key?: unknown[];
    refetchInterval?: number;
    enabled?: boolean;
    /** What is known already; for `staleTime` that will do. */
    initialData?: T;
    staleTime?: number;
}

/** What the server answers to a GET of `path`; react-query keeps it under `key`, the path without a key. */
export function useAnswer<T>(path: string, options: Asked<T> = {}) {
    const { key = [path], ...more } = options;
    return useQuery<T, Refusal>({
        queryKey: key,
        queryFn: async () => (await client.request(path).catch(error => Promise.reject(translated(error)))).body as T,
        ...more,
    });
}
