// What a page asks for at its start, before it is there: on a slow line each request after another one is felt.
import type { Client } from './client';
import { CHANGES, CONNECTIONS, LIST, OWN } from './lists';

/** What the dashboard shows first, as it will ask for it. HTTP/1.1 has six connections: one for each, and for the events. */
export const DASHBOARD = {
    fleet: [
        ...CONNECTIONS.map(state => `/v2/karanas?connection=${state}&sort=name&limit=1&fields=uuid`),
        `/v2/history?limit=${CHANGES}`,
    ],
    own: [`/v2/karanas?sort=name&limit=${OWN}&${LIST.karanas}`],
};

/** Whether one starts where most do; who signs in comes there, too. */
export const atDashboard = (): boolean => /^(#\/?(login)?)?$/.test(location.hash);

/** Where they start at the dashboard, all at a time. */
export function askAhead(client: Client, role: string): void {
    if (!atDashboard()) return;
    for (const path of role === 'client' ? DASHBOARD.own : DASHBOARD.fleet) client.ahead(path);
}
