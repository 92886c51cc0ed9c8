// A deletion is taken back by restoring what it took: the records as they were before it, each with those that it touched.
import { type Client, Refusal } from '../client';
import type { CommitEntry, Entry } from './versions';

export interface Deletion {
    resource: string;
    ids: string[];
}

interface Target {
    resource: string;
    uuid: string;
}

// What has been deleted, and not yet been told of.
const untold: Deletion[] = [];

export const noteDeletion = (deletion: Deletion) => void untold.push(deletion);

/** The oldest deletion of the resource that nobody was told of. */
export function nextDeletion(resource: string): Deletion | undefined {
    const place = untold.findIndex(one => one.resource === resource);
    return place < 0 ? undefined : untold.splice(place, 1)[0];
}

const items = async <T>(client: Client, path: string): Promise<T[]> =>
    ((await client.request(path)).body as unknown as { items: T[] }).items;

/** Restores one record as it was before its latest change, if that is still the one which `expected` says. */
async function takeBack(client: Client, { resource, uuid }: Target, expected: (entry: Entry) => boolean): Promise<void> {
    const [latest, before] = await items<Entry>(client, `/v2/${resource}/${uuid}/history?limit=2`);
    // Somebody was faster, or it has never been otherwise.
    if (latest === undefined || before === undefined || !expected(latest)) return;
    await client.request(`/v2/${resource}/${uuid}/restore`, { method: 'POST', body: { revision: before.revision } });
}

/** Brings back one record that is deleted. */
export const restoreDeleted = (client: Client, target: Target) =>
    takeBack(client, target, ({ action }) => action === 'delete');

/**
 * Takes a deletion back, with all that its commit has deleted or released. What refers to another record has to wait for it, so
 * what is refused is tried again as long as anything else succeeds.
 */
export async function undo(client: Client, { resource, ids }: Deletion): Promise<void> {
    const [deleted] = await items<Entry>(client, `/v2/${resource}/${ids[0]}/history?limit=1`);
    if (deleted === undefined) return;
    const { revision, time } = deleted;
    const span = `since=${encodeURIComponent(time)}&until=${encodeURIComponent(time)}&limit=500`;
    const commit = (await items<CommitEntry>(client, `/v2/history?${span}`)).find(one => one.revision === revision);
    const targets = new Map<string, Target>();
    // A commit shows a hundred of its changes at most; what was asked for is known in any case.
    for (const uuid of ids) targets.set(uuid, { resource, uuid });
    for (const change of commit?.changes ?? []) targets.set(change.uuid, change);
    let waiting = [...targets.values()];
    while (waiting.length > 0) {
        const refused: Target[] = [];
        let reason: unknown;
        for (const target of waiting) {
            try {
                await takeBack(client, target, entry => entry.revision === revision);
            } catch (error) {
                if (!(error instanceof Refusal) || (error.status !== 400 && error.status !== 409)) throw error;
                reason = error;
                refused.push(target);
            }
        }
        if (refused.length === waiting.length) throw reason;
        waiting = refused;
    }
}
