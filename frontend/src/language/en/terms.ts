export default {
    conflict: 'Somebody else has changed this meanwhile. Refresh to see it as it is now, then make your change again.',
    unreachable: 'The server does not answer. Nothing was changed, as far as is known.',
    dashboard: { offline: 'Offline', nobody: 'No karana is offline.', fleet: 'The fleet' },
    connection: { online: 'Online', late: 'Late', offline: 'Offline', unknown: 'Unknown' },
    role: { admin: 'Admin', manager: 'Manager', viewer: 'Viewer', client: 'Client' },
    state: { active: 'Active', suspended: 'Suspended' },
    never: 'never',
    stock: 'in stock',
    empty_password: 'Empty: stays as it is',
    secret: {
        reveal: 'Show %{name}', hide: 'Hide %{name}', copy: 'Copy %{name}', copied: '%{name} copied',
        no_clipboard: 'This browser gives no access to the clipboard.',
    },
};
