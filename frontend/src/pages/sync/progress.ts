// What a run of sync tells, put together.

export interface Progress {
    backend: string;
    done: number;
    total: number;
    /** The record that was last worked on: `karanas/<uuid>`. */
    item: string | null;
}

export interface Failure {
    resource: string;
    uuid: string;
    reason: string;
}

export interface Report {
    counts: Record<string, { synced: number; failed: number }>;
    failures: Failure[];
    backends: Record<string, { result: 'not_configured' | 'synced' | 'failed'; reason?: string }>;
    actions_done: number;
}

export interface Run {
    /** How far each back end is. */
    backends: Record<string, { done: number; total: number }>;
    /** The records that were worked on, the latest first. */
    log: { backend: string; resource: string; uuid: string; done: number }[];
}

export const NOTHING: Run = { backends: {}, log: [] };

// Nobody reads more of it.
const MOST_LINES = 100;

/** The run after one more event. What is told again, as at the begin of a run that finds nothing to do, is no news. */
export function fold(run: Run, { backend, done, total, item }: Progress): Run {
    const backends = { ...run.backends, [backend]: { done, total } };
    const before = run.backends[backend];
    const [resource, uuid] = item?.split('/') ?? [];
    const isNews = before !== undefined ? before.done !== done : done < total;
    if (!isNews || done === 0 || resource === undefined || uuid === undefined) return { ...run, backends };
    return { backends, log: [{ backend, resource, uuid, done }, ...run.log].slice(0, MOST_LINES) };
}

/** Of all back ends together. */
export function overall({ backends }: Run): { done: number; total: number } {
    const all = Object.values(backends);
    const sum = (of: 'done' | 'total') => all.reduce((sofar, one) => sofar + one[of], 0);
    return { done: sum('done'), total: sum('total') };
}
