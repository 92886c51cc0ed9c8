import type english from '../en/common';

const words: typeof english = {
    conflict: 'Quelqu’un d’autre a modifié ceci entre-temps. Actualisez pour voir l’état actuel, puis refaites votre modification.',
    unreachable: 'Le serveur ne répond pas. Pour autant qu’on sache, rien n’a été modifié.',
    dashboard: { offline: 'Hors ligne', nobody: 'Aucun karana n’est hors ligne.', fleet: 'La flotte' },
    connection: { online: 'En ligne', late: 'En retard', offline: 'Hors ligne', unknown: 'Inconnu' },
    role: { admin: 'Administrateur', manager: 'Gestionnaire', viewer: 'Observateur', client: 'Client' },
    state: { active: 'Actif', suspended: 'Suspendu' },
    never: 'jamais',
    stock: 'en stock',
    empty_password: 'Laisser vide : reste inchangé',
    secret: {
        reveal: 'Afficher : %{name}', hide: 'Masquer : %{name}', copy: 'Copier : %{name}', copied: 'Copié : %{name}',
        no_clipboard: 'Ce navigateur ne donne pas accès au presse-papiers.',
    },
    frame: {
        sync: 'Synchronisation', history: 'Historique', about: 'À propos', menu: 'Pages',
        appearance: { system: 'Comme le système', light: 'Clair', dark: 'Sombre' },
        away: 'Le serveur ne répond pas. Cette page réessaie d’elle-même.',
        held: 'Trop de requêtes sont venues de cette adresse. Cette page continue d’elle-même dans un instant.',
        unended:
            'Vous êtes déconnecté de ce navigateur. Le serveur ne le sait pas encore, car il ne répond pas : il l’apprendra dès qu’il ' +
            'répondra. Personne n’entre ici sans se connecter.',
        wait: 'Trop de tentatives ont échoué. Réessayez %{time}.',
        forgotten: 'Mot de passe oublié ? Demandez à votre opérateur un lien pour en définir un autre.',
        ended: 'Votre session a expiré',
        again: 'Reconnectez-vous pour continuer là où vous en étiez. Rien n’est perdu sur cette page.',
        failed: 'Impossible d’afficher cette page. Rechargez-la ou revenez en arrière ; si cela ne suffit pas, transmettez ce message :',
        outdated: 'Il existe une version plus récente de cette page', outdated_help: 'Le serveur a été mis à jour entre-temps. Rechargez la page.',
        reload: 'Recharger', missing: 'Il n’y a pas de page à l’adresse « %{path} ».',
    },
};

export default words;
