import french from 'ra-language-french';
import type { own } from './en';

const ours: typeof own = {
    karana: {
        conflict: "Quelqu'un d'autre a modifié ceci entre-temps. Actualisez pour voir l'état actuel, puis refaites votre modification.",
        unreachable: "Le serveur ne répond pas. Pour autant qu'on sache, rien n'a été modifié.",
        dashboard: { offline: 'Hors ligne', nobody: "Aucun karana n'est hors ligne.", fleet: 'La flotte' },
        connection: { online: 'En ligne', late: 'En retard', offline: 'Hors ligne', unknown: 'Inconnu' },
        role: { admin: 'Administrateur', manager: 'Gestionnaire', viewer: 'Observateur', client: 'Client' },
        state: { active: 'Actif', suspended: 'Suspendu' },
        never: 'jamais',
        stock: 'en stock',
        empty_password: 'Vide : reste inchangé',
    },
    resources: {
        users: {
            name: 'Propriétaire |||| Propriétaires',
            fields: {
                name: 'Nom', email: 'E-mail', role: 'Rôle', state: 'État', created_at: 'Créé',
                credentials: { password: 'Mot de passe' },
            },
        },
        karanas: {
            name: 'Karana |||| Karanas',
            fields: {
                name: 'Nom', owner: 'Propriétaire', note: 'Note', state: 'État', kid: 'Nom court (KID)', created_at: 'Créé',
                connection: 'Connexion', last_seen: 'Vu', posts_per_hour: 'Envois par heure',
                config: { series: 'Série', signal: 'Mesure tous les', post_int: 'Envoie tous les', get_int: 'Interroge tous les' },
            },
        },
    },
};

export default { ...french, ...ours };
