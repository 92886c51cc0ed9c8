// The one client of the page, and what its parts ask the server beside lists and records.
import { useQuery } from '@tanstack/react-query';
import { usePermissions } from 'react-admin';
import { authProvider as authFor, type Standing } from './authProvider';
import { Client, type Refusal } from './client';
import { dataProvider as dataFor, translated } from './dataProvider';
import { noteDeletion } from './past/undo';

export const client = new Client();
export const authProvider = authFor(client);
export const dataProvider = dataFor(client, (resource, ids) => noteDeletion({ resource, ids }));

/** Who is signed in, what this server is, and what one may do here (`GET /v2/me`, `GET /v2/about`). */
export function useStanding(): Standing | undefined {
    return usePermissions<Standing>().permissions;
}

/** What the server answers to a GET of `path`; react-query keeps it under `key`, the path without a key. */
export function useAnswer<T>(path: string, options: { key?: unknown[]; refetchInterval?: number; enabled?: boolean } = {}) {
    const { key = [path], ...more } = options;
    return useQuery<T, Refusal>({
        queryKey: key,
        queryFn: async () => (await client.request(path).catch(error => Promise.reject(translated(error)))).body as T,
        ...more,
    });
}
