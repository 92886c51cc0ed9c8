// Pictures and faults of every page, with a fleet that has been there for a while.
import { everyPage } from './everyPage.mjs';
import { settle } from './fleet.mjs';
import { Server, until } from './stage.mjs';

/** Every page that there is, by the name of its picture: for nobody, and for who is signed in. */
export const pages = ({ owners, karanas }) => {
    const [owner, karana] = [owners[0].uuid, karanas[0].uuid];
    return [
        { 'sign-in': '/login', password: '/password?token=none' },
        {
            dashboard: '/',
            karanas: '/karanas', karana: `/karanas/${karana}/show`, 'karana-edit': `/karanas/${karana}`,
            'karana-create': '/karanas/create', 'karana-history': `/karanas/${karana}/history`,
            owners: '/users', owner: `/users/${owner}/show`, 'owner-edit': `/users/${owner}`, 'owner-create': '/users/create',
            maintenances: '/maintenances', 'maintenance-create': '/maintenances/create', payments: '/payments',
            import: '/karanas/import', history: '/history', sync: '/sync',
            keys: '/keys', 'key-create': '/keys/create', account: '/account', about: '/about', nowhere: '/nothing/at/all',
        },
    ];
};

/** Looks at them all. */
export async function look(browser) {
    const server = await new Server().start();
    try {
        const fleet = await settle(server);
        // At its start it looks at once who posts.
        await server.stop();
        await server.start();
        const api = await server.api();
        await until(async () => (await api('GET', '/v2/karanas?connection=online')).total > 0);
        const [before, after] = pages(fleet);
        await everyPage(browser, server, before, after);
    } finally {
        await server.end();
    }
}
