// What somebody flashes new devices with.
import Papa from 'papaparse';
import type { About } from '../../authProvider';
import type { Client } from '../../client';

interface Device {
    uuid: string;
    name: string;
    kid: string | null;
    owner: string | null;
    config: { series: string; password?: string };
}

// So many in one request: an address has its limits.
const AT_A_TIME = 100;

/** The credentials of these karanas, as CSV. */
export async function credentials(client: Client, uuids: string[], influxdb: About['influxdb']): Promise<string> {
    const devices: Device[] = [];
    for (let start = 0; start < uuids.length; start += AT_A_TIME) {
        const some = uuids.slice(start, start + AT_A_TIME).join(',');
        const path = `/v2/karanas?filter[uuid][in]=${some}&fields=uuid,name,kid,owner,config&sort=name&limit=${AT_A_TIME}`;
        devices.push(...((await client.request(path)).body as unknown as { items: Device[] }).items);
    }
    return Papa.unparse(
        devices.map(({ name, uuid, kid, owner, config }) => ({
            name, kid, host: influxdb?.host, port: influxdb?.port, database: owner, user: uuid, password: config.password,
            series: config.series,
        })),
        // A name is no formula.
        { escapeFormulae: true },
    );
}
