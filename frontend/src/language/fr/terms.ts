import type english from '../en/terms';

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
};

export default words;
