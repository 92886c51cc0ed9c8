// How a device comes to its new password or owner: docs/influxdb.md#handover.
import type { Karana } from './karana';

/** By itself, from the line that it polls; or somebody flashes it. */
export type Way = 'remote' | 'by_hand';

/** Why the device cannot learn it by itself; none: it can. */
export function hindrance(karana: Karana, hasInfluxdb: boolean): 'stock' | 'no_influxdb' | 'under_way' | 'clock_ahead' | undefined {
    if (!hasInfluxdb) return 'no_influxdb';
    if (karana.owner === null) return 'stock';
    if (karana.status?.handover !== undefined) return 'under_way';
    return karana.status?.clock_ahead ? 'clock_ahead' : undefined;
}

export type Meaning = 'nothing' | 'flash' | 'flash_moved' | 'remote' | 'remote_moved';

/** What `Karana-Notice` says has to be done with the device now. One that is not known is shown as it is. */
export function meaning(notice: string | null): Meaning | undefined {
    if (notice === null) return 'nothing';
    const moved = notice.includes('former owner') ? '_moved' : '';
    if (notice.includes('until it is flashed')) return `flash${moved}`;
    if (notice.includes('keeps its password')) return `remote${moved}`;
    return undefined;
}
