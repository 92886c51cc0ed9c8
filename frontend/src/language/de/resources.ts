import type english from '../en/resources';

const words: typeof english = {
    users: {
        name: 'Besitzer |||| Besitzer',
        fields: {
            name: 'Name', email: 'E-Mail', role: 'Rolle', state: 'Zustand', created_at: 'Angelegt',
            credentials: { login: 'Meldet sich an als', password: 'Passwort' },
            password_influx: 'Passwort in InfluxDB', password_grafana: 'Passwort in Grafana',
        },
    },
    karanas: {
        name: 'Karana |||| Karanas',
        fields: {
            name: 'Name', owner: 'Besitzer', note: 'Notiz', state: 'Zustand', kid: 'Kurzname (KID)', created_at: 'Angelegt',
            connection: 'Verbindung', last_seen: 'Zuletzt gesehen', posts_per_hour: 'Sendungen je Stunde',
            config: {
                series: 'Messreihe', signal: 'Messabstand (Sekunden)', post_int: 'Sendeabstand (Minuten)', get_int: 'Abfrageabstand (Stunden)',
                password: 'Passwort des Geräts',
            },
        },
    },
    keys: {
        name: 'API-Schlüssel |||| API-Schlüssel',
        forcedCaseName: 'API-Schlüssel |||| API-Schlüssel',
        fields: {
            name: 'Name', hint: 'Beginnt mit', owner: 'Von', scopes: 'Darf', created_at: 'Angelegt', expires_at: 'Gilt bis',
            used_at: 'Zuletzt benutzt',
        },
    },
    maintenances: {
        name: 'Wartung |||| Wartungen',
        fields: {
            karana: 'Karana', date: 'Datum', technician: 'Techniker', state: 'Zustand', description: 'Beschreibung',
            created_at: 'Angelegt',
        },
    },
    payments: {
        name: 'Zahlung |||| Zahlungen',
        fields: {
            karana: 'Karana', owner: 'Gezahlt von', amount: 'Betrag', currency: 'Währung', paid_at: 'Gezahlt am',
            valid_until: 'Bezahlt bis', created_at: 'Angelegt',
        },
    },
};

export default words;
