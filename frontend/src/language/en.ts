import english from 'ra-language-english';

export const own = {
    karana: {
        conflict: 'Somebody else has changed this meanwhile. Refresh to see it as it is now, then make your change again.',
        unreachable: 'The server does not answer. Nothing was changed, as far as is known.',
        dashboard: { offline: 'Offline', nobody: 'No karana is offline.', fleet: 'The fleet' },
        connection: { online: 'Online', late: 'Late', offline: 'Offline', unknown: 'Unknown' },
        role: { admin: 'Admin', manager: 'Manager', viewer: 'Viewer', client: 'Client' },
        state: { active: 'Active', suspended: 'Suspended' },
        never: 'never',
        stock: 'in stock',
        empty_password: 'Empty: stays as it is',
    },
    resources: {
        users: {
            name: 'Owner |||| Owners',
            fields: {
                name: 'Name', email: 'E-mail', role: 'Role', state: 'State', created_at: 'Created',
                credentials: { password: 'Password' },
            },
        },
        karanas: {
            name: 'Karana |||| Karanas',
            fields: {
                name: 'Name', owner: 'Owner', note: 'Note', state: 'State', kid: 'Short name (KID)', created_at: 'Created',
                connection: 'Connection', last_seen: 'Last seen', posts_per_hour: 'Posts an hour',
                config: { series: 'Series', signal: 'Measures every', post_int: 'Posts every', get_int: 'Polls every' },
            },
        },
    },
};

export default { ...english, ...own };
