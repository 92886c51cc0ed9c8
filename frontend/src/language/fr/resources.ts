import type english from '../en/resources';

const words: typeof english = {
    users: {
        name: 'Propriétaire |||| Propriétaires',
        fields: {
            name: 'Nom', email: 'E-mail', role: 'Rôle', state: 'État', created_at: 'Créé',
            credentials: { login: 'Se connecte comme', password: 'Mot de passe' },
            password_influx: 'Mot de passe InfluxDB', password_grafana: 'Mot de passe Grafana',
        },
    },
    karanas: {
        name: 'Karana |||| Karanas',
        fields: {
            name: 'Nom', owner: 'Propriétaire', note: 'Note', state: 'État', kid: 'Nom court (KID)', created_at: 'Créé',
            connection: 'Connexion', last_seen: 'Vu', posts_per_hour: 'Envois par heure',
            config: {
                series: 'Série', signal: 'Intervalle de mesure (secondes)', post_int: "Intervalle d'envoi (minutes)",
                get_int: "Intervalle d'interrogation (heures)", password: 'Mot de passe de l’appareil',
            },
        },
    },
    keys: {
        name: 'Clé d’API |||| Clés d’API',
        forcedCaseName: 'clé d’API |||| clés d’API',
        fields: {
            name: 'Nom', hint: 'Commence par', owner: 'De', scopes: 'Peut', created_at: 'Créée', expires_at: 'Expire', used_at: 'Dernier usage',
        },
    },
    maintenances: {
        name: 'Maintenance |||| Maintenances',
        fields: {
            karana: 'Karana', date: 'Date', technician: 'Technicien', state: 'État', description: 'Description', created_at: 'Créé',
        },
    },
    payments: {
        name: 'Paiement |||| Paiements',
        fields: {
            karana: 'Karana', owner: 'Payé par', amount: 'Montant', currency: 'Devise', paid_at: 'Payé le',
            valid_until: "Payé jusqu'au", created_at: 'Créé',
        },
    },
};

export default words;
