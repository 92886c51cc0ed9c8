// Changes in words, as `GET /v2/history` tells them.

export interface Entry {
    revision: string;
    time: string;
    /** `users/<uuid>`, or a part of the program. */
    actor: string;
    /** The name of then. */
    author: string;
    /** Touched in all; what is shown may be less. */
    records?: number;
    changes?: Change[];
}

export interface Change {
    resource: string;
    uuid: string;
    action: 'create' | 'update' | 'delete';
    patch: { op: string; path: string; value?: unknown }[];
    /** The paths of the secrets that have changed. */
    secrets?: string[];
}

/** What was done alike to records of a resource. */
export interface Deed {
    resource: string;
    action: Change['action'];
    records: { uuid: string; name?: string }[];
    /** Of how many: more than are shown, where an entry is too long. */
    total: number;
    /** By their paths, `config.post_int`. */
    fields: string[];
}

const fieldOf = (path: string) => path.split('/').filter(part => part !== '').join('.');

/** What a change says of the name of the record. */
function nameIn({ patch }: Change): string | undefined {
    const whole = patch.find(({ path }) => path === '')?.value as { name?: string; email?: string } | null | undefined;
    return whole?.name || whole?.email || undefined;
}

/** What an entry is about: deeds of the same kind together. */
export function deeds({ changes = [], records }: Entry): Deed[] {
    const found = new Map<string, Deed>();
    for (const change of changes) {
        const { resource, action, uuid, patch, secrets = [] } = change;
        const key = `${action} ${resource}`;
        const deed = found.get(key) ?? { resource, action, records: [], total: 0, fields: [] };
        deed.records.push({ uuid, name: nameIn(change) });
        deed.total += 1;
        if (action === 'update') {
            const fields = [...patch.map(({ path }) => fieldOf(path)), ...secrets.map(fieldOf)];
            deed.fields = [...new Set([...deed.fields, ...fields.filter(field => field !== '')])];
        }
        found.set(key, deed);
    }
    const all = [...found.values()];
    // Of what is not shown nobody knows which kind it is, unless there is one alone.
    const [only] = all;
    if (only !== undefined && all.length === 1) only.total = Math.max(only.total, records ?? 0);
    return all;
}

/** The record of who did it, if it was somebody. */
export function actorOf({ actor }: Entry): { resource: string; uuid: string } | undefined {
    const [resource, uuid] = actor.split('/');
    return resource !== undefined && uuid !== undefined ? { resource, uuid } : undefined;
}
