// How records stand with the back ends, as `GET /v2/sync` tells it.

export const STATES = ['failed', 'pending', 'synced'] as const;
export type State = (typeof STATES)[number];

export interface BackEnd {
    state: 'not_configured' | 'idle' | 'running' | 'unreachable' | 'faulty';
    last_round: string | null;
    /** Of one that cannot be worked with. */
    reason?: string;
    next_try?: string;
}

export interface Standing {
    state: State;
    at?: string | null;
    reason?: string;
    next_try?: string;
}

export interface Item extends Standing {
    resource: string;
    uuid: string;
    /** It is suspended for want of a payment. */
    unpaid_since?: string;
    backends: Record<string, Standing>;
}

export interface Overview {
    backends: Record<string, BackEnd>;
    counts: Record<string, Record<State, number>>;
    items: Item[];
    next: string | null;
    total: number;
}

/** What is wrong with a record, once for each back end that it fails with. */
export const reasons = ({ backends }: Item): { backend: string; reason: string; nextTry?: string }[] =>
    Object.entries(backends).flatMap(([backend, { state, reason = '', next_try }]) =>
        state === 'failed' ? [{ backend, reason, nextTry: next_try }] : [],
    );

/** Of all resources together. */
export const count = ({ counts }: Overview, state: State): number =>
    Object.values(counts).reduce((sum, of) => sum + of[state], 0);

const NAMES: Record<string, string> = { influxdb: 'InfluxDB', grafana: 'Grafana' };

export const backEndName = (id: string): string => NAMES[id] ?? id;
