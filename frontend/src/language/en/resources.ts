export default {
    users: {
        name: 'Owner |||| Owners',
        fields: {
            name: 'Name', email: 'E-mail', role: 'Role', state: 'State', created_at: 'Created',
            credentials: { login: 'Signs in as', password: 'Password' },
            password_influx: 'InfluxDB password', password_grafana: 'Grafana password',
        },
    },
    karanas: {
        name: 'Karana |||| Karanas',
        fields: {
            name: 'Name', owner: 'Owner', note: 'Note', state: 'State', kid: 'Short name (KID)', created_at: 'Created',
            connection: 'Connection', last_seen: 'Last seen', posts_per_hour: 'Posts an hour',
            config: {
                series: 'Series', signal: 'Measures every (seconds)', post_int: 'Posts every (minutes)', get_int: 'Polls every (hours)',
                password: 'Device password',
            },
        },
    },
    keys: {
        name: 'API key |||| API keys',
        forcedCaseName: 'API key |||| API keys',
        fields: {
            name: 'Name', hint: 'Begins with', owner: 'Of', scopes: 'May', created_at: 'Created', expires_at: 'Ends', used_at: 'Last used',
        },
    },
    maintenances: {
        name: 'Maintenance |||| Maintenance',
        fields: {
            karana: 'Karana', date: 'Date', technician: 'Technician', state: 'State', description: 'Description', created_at: 'Created',
        },
    },
    payments: {
        name: 'Payment |||| Payments',
        fields: {
            karana: 'Karana', owner: 'Paid by', amount: 'Amount', currency: 'Currency', paid_at: 'Paid on', valid_until: 'Paid until',
            created_at: 'Created',
        },
    },
};
