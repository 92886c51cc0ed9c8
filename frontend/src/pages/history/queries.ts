// The past as the server tells it, page after page.
import { useInfiniteQuery } from '@tanstack/react-query';
import { client } from '../../api';
import type { Refusal } from '../../client';
import { translated } from '../../dataProvider';
import { type CommitEntry, type Entry, versions } from '../../past/versions';

interface Page<T> {
    items: T[];
    next: string | null;
}

function usePages<T>(key: unknown[], path: string, query: string, enabled = true) {
    const found = useInfiniteQuery<Page<T>, Refusal, { pages: Page<T>[] }, unknown[], string | null>({
        queryKey: key,
        queryFn: async ({ pageParam }) => {
            const parts = [query, pageParam && `after=${encodeURIComponent(pageParam)}`].filter(Boolean);
            const answer = client.request(`${path}?${parts.join('&')}`);
            return (await answer.catch(error => Promise.reject(translated(error)))).body as unknown as Page<T>;
        },
        initialPageParam: null,
        getNextPageParam: page => page.next,
        enabled,
        // What is not there will not come by asking again.
        retry: (count, { status }) => status !== 404 && status !== 403 && count < 3,
    });
    return { ...found, items: found.data?.pages.flatMap(page => page.items) ?? [] };
}

/** All versions of a record, as far as they have been read; the newest first. Its key makes it follow the store. */
export function useVersions(resource: string, id: string, enabled = true) {
    const found = usePages<Entry>([resource, 'history', id], `/v2/${resource}/${id}/history`, 'limit=500', enabled);
    return { ...found, versions: versions(found.items, found.data !== undefined && !found.hasNextPage) };
}

export interface Filter {
    actor?: string;
    resource?: string;
    action?: string;
    since?: string;
    until?: string;
}

/** The parameters of `GET /v2/history` for a filter. */
export const historyQuery = (filter: Filter): string =>
    Object.entries(filter).filter(([, value]) => value)
        .map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`).join('&');

/** What has been done to all records that one may see; the newest first. */
export function useChanges(filter: Filter) {
    const query = historyQuery(filter);
    return usePages<CommitEntry>(['changes', query], '/v2/history', [query, 'limit=25'].filter(Boolean).join('&'));
}
