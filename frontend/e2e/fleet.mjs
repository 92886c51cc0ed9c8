// A small fleet, as it looks after some weeks.
import { post, until } from './stage.mjs';

const OWNERS = [
    ['School of Bo', 'school@example.org', 'client'],
    ['Health post Kabala', 'kabala@example.org', 'client'],
    ['Anna Sesay', 'anna@example.org', 'client'],
    ['Maria Conteh', 'maria@example.org', 'manager'],
];

const KARANAS = [
    ['Roof', 0, 'data'], ['Workshop', 0, 'data'], ['Well pump', 1, 'data'], ['Cold chain', 1, 'data'],
    ['Ward lighting', 1, 'data'], ['Biogas plant', 1, 'data'], ['Mill turbine', 2, 'data'], ['Spare', null, null],
];

// Of the day until now, every 15 minutes, in seconds.
const DAY = 86_400;
const STEP = 900;

const daylight = time => Math.max(0, Math.sin(((time % DAY) / DAY) * 2 * Math.PI - Math.PI / 2));

/** Makes owners and karanas of theirs, lets most of them post, and answers with what was made. */
export async function settle(server) {
    const api = await server.api();
    const owners = [];
    for (const [name, email, role] of OWNERS) {
        owners.push(await api('POST', '/v2/users', { name, email, role, credentials: { login: email, password: 'password' } }));
    }
    const karanas = [];
    for (const [name, owner] of KARANAS) {
        const data = { name, owner: owner === null ? null : owners[owner].uuid, config: { post_int: 15 } };
        karanas.push(await api('POST', '/v2/karanas', data));
    }
    await api('PATCH', `/v2/karanas/${karanas[0].uuid}`, { note: 'The ladder is in the shed.' });
    await api('PATCH', `/v2/karanas/${karanas[2].uuid}`, { config: { post_int: 10 } });
    const [{ uuid: karana }] = karanas;
    const visit = { technician: 'Sorie', date: '2026-10-12', description: 'Cleaned the panels.' };
    await api('POST', '/v2/maintenances', { karana, ...visit, state: 'done' });
    const span = { paid_at: '2026-10-01T09:00:00Z', valid_until: '2027-10-01T00:00:00Z' };
    await api('POST', '/v2/payments', { owner: owners[0].uuid, karana, amount: 2500, currency: 'SLE', ...span });
    await synced(api);
    const now = Math.floor(Date.now() / 1000);
    for (const [i, { uuid, owner }] of karanas.entries()) {
        if (owner === null || i === 4) continue;
        // Some have been silent for a while.
        const end = i === 5 ? now - 6 * DAY : now;
        const lines = [];
        for (let time = end - DAY; time < end; time += STEP) {
            lines.push(`data,KID=${uuid} power=${(900 * daylight(time)).toFixed(1)},voltage=${(12 + daylight(time)).toFixed(2)} ${time}000000000`);
        }
        await until(async () => (await post(await api('GET', `/v2/karanas/${uuid}`), lines.join('\n'))) === 204);
    }
    return { api, owners, karanas };
}

/** Until the back ends hold what the records ask for. */
export const synced = api =>
    until(async () => {
        const { items } = await api('GET', '/v2/sync?limit=500');
        return items.every(({ state }) => state === 'synced');
    }, 60);
