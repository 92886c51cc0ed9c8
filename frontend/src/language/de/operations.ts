import type english from '../en/operations';

const words: typeof english = {
    broken: 'Die Verbindung riss vor dem Ende ab. Was bis dahin getan war, bleibt: bitte die Liste ansehen, bevor es wiederholt wird.',
    export: {
        connection: 'Die Verbindung steht in keiner Tabelle: bitte erst diesen Filter entfernen.',
        open: 'Ohne Passwörter', secret: 'Mit allen Passwörtern',
    },
    import: { action: 'Importieren' },
};

export default words;
