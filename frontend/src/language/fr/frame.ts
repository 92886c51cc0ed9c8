import type english from '../en/frame';

const words: typeof english = {
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
};

export default words;
