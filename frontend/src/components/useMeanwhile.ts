// Whether the record of an open form is still the one that it was opened with.
import { useCallback, useState } from 'react';
import {
    HttpError, type Middleware, type RaRecord, type UpdateParams, useDataProvider, useRegisterMutationMiddleware, useResourceContext,
} from 'react-admin';
import { client } from '../api';
import { type Commit, useCommits } from '../live';
import type { Entry, Fields } from '../past/versions';

export interface Newer {
    /** As it is now; null: deleted. */
    record: (Fields & RaRecord) | null;
    /** Who has made it so; unknown if that cannot be asked. */
    entry: Entry | undefined;
}

type Save = (resource: string, params: UpdateParams) => Promise<unknown>;

const status = (error: unknown) => (error instanceof HttpError ? error.status : undefined);

/** The present version, if it is another one than `opened`; it is looked for when a commit touches it, or a save is refused. */
export function useMeanwhile(opened: RaRecord | undefined) {
    const [data, resource = ''] = [useDataProvider(), useResourceContext()];
    const [newer, setNewer] = useState<Newer>();
    const [id, tag] = [opened?.id, opened?._etag as string | undefined];

    const look = useCallback(async () => {
        if (id === undefined) return;
        const record = await data.getOne(resource, { id }).then(
            answer => answer.data as Fields & RaRecord,
            error => (status(error) === 404 ? null : Promise.reject(error)),
        );
        if (record?._etag === tag) {
            setNewer(undefined);
            return;
        }
        const past = await client.request(`/v2/${resource}/${id}/history?limit=1`).catch(() => undefined);
        setNewer({ record, entry: (past?.body as { items?: Entry[] } | undefined)?.items?.[0] });
    }, [data, resource, id, tag]);

    useCommits(
        useCallback((commit: Commit | null) => {
            // Too large to tell: it may be in it.
            const touched = commit === null || commit.changes.some(change => change.resource === resource && change.uuid === id);
            // A server that is away says nothing of it; the save will.
            if (touched) void look().catch(() => undefined);
        }, [look, resource, id]),
    );

    useRegisterMutationMiddleware(
        useCallback<Middleware<Save>>(async (of, params, save) => {
            try {
                return await save(of, params);
            } catch (error) {
                if ([404, 412].includes(status(error) ?? 0)) await look().catch(() => undefined);
                throw error;
            }
        }, [look]),
    );

    // Or does the form stand on it by now?
    return { newer: newer !== undefined && newer.record?._etag !== tag ? newer : undefined, look };
}
