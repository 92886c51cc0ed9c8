import type english from '../en/operations';

const words: typeof english = {
    broken: 'La connexion a été coupée avant la fin. Ce qui a été fait reste : regardez la liste avant de recommencer.',
    export: {
        connection: "La connexion n'est pas une colonne de tableau : retirez d'abord ce filtre.",
        open: 'Sans mots de passe', secret: 'Avec tous les mots de passe',
    },
    import: { action: 'Importer' },
};

export default words;
