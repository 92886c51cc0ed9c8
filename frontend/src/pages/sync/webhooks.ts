// Other servers that are told what happens, as `GET /v2/webhooks` tells of them.

export interface Destination {
    id: string;
    url: string;
    queue_length: number;
    last_delivery: { at: string; status: number } | null;
    last_failure: { at: string; reason: string } | null;
    next_try: string | null;
    counts: { delivered: number; failed: number; given_up: number; dropped: number };
}

export interface Delivery {
    id: string;
    type: string;
    /** `karanas/<uuid>`, or of none. */
    record: string | null;
    destination: string;
    state: 'pending' | 'delivered' | 'given_up';
    attempts: number;
    created_at: string;
    reason: string | null;
    next_try: string | null;
}

/** Whether the last that is known of it is a failure. */
export const isInTrouble = ({ last_delivery, last_failure }: Destination): boolean =>
    last_failure !== null && (last_delivery === null || Date.parse(last_failure.at) > Date.parse(last_delivery.at));
