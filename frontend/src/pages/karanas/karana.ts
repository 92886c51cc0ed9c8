// A karana as the API has it.
import type { RaRecord } from 'react-admin';
import type { Sync } from '../../components/SyncState';

export interface Config {
    series: string;
    signal: number;
    post_int: number;
    get_int: number;
    /** Absent for those who may not see it. */
    password?: string;
}

/** How far a device has been handed over to its new password or owner. */
export interface Handover {
    step: 'moving' | 'offered' | 'tried';
    begun: string;
    since: string;
    tries: number;
}

export interface Status {
    connection: 'online' | 'late' | 'offline' | 'unknown';
    last_seen: string | null;
    posts_per_hour: number;
    clock_ahead: boolean;
    checked_at: string | null;
    sync: Sync | null;
    handover?: Handover;
}

export interface Karana extends RaRecord {
    id: string;
    name: string;
    owner: string | null;
    note: string;
    state: 'active' | 'suspended';
    kid: string | null;
    created_at: string;
    config: Config;
    status?: Status;
    _etag?: string;
}
