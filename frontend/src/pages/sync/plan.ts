// What a run would do, as a reader wants it: by records.

export interface Step {
    backend: string;
    resource: string;
    uuid: string;
    action: string;
    reason: string;
}

export interface Orphan {
    backend: string;
    kind: string;
    name: string;
}

export interface Plan {
    actions: Step[];
    /** Steps that put right what was changed by hand. */
    drift: Step[];
    orphans: Orphan[];
}

export interface Group {
    resource: string;
    uuid: string;
    steps: (Step & { isDrift: boolean })[];
}

/** The steps of each record together, in the order in which a run comes to the records; what was changed by hand first. */
export function grouped({ actions, drift }: Plan): Group[] {
    const groups = new Map<string, Group>();
    const steps = [...drift.map(step => ({ ...step, isDrift: true })), ...actions.map(step => ({ ...step, isDrift: false }))];
    for (const step of steps) {
        const { resource, uuid } = step;
        const key = `${resource}/${uuid}`;
        const group = groups.get(key) ?? { resource, uuid, steps: [] };
        group.steps.push(step);
        groups.set(key, group);
    }
    return [...groups.values()];
}

/** What is said of an orphan in the address that drops it. */
export const orphanPath = (orphan: Orphan) => `/v2/sync/orphans?${new URLSearchParams({ ...orphan })}`;
