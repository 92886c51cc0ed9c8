import type english from '../en/terms';

const words: typeof english = {
    conflict: 'Inzwischen hat jemand anders dies geändert. Aktualisieren Sie, um den neuen Stand zu sehen, und wiederholen Sie Ihre Änderung.',
    unreachable: 'Der Server antwortet nicht. Soweit bekannt, wurde nichts geändert.',
    dashboard: { offline: 'Offline', nobody: 'Kein Karana ist offline.', fleet: 'Die Flotte' },
    connection: { online: 'Online', late: 'Verspätet', offline: 'Offline', unknown: 'Unbekannt' },
    role: { admin: 'Administrator', manager: 'Verwalter', viewer: 'Beobachter', client: 'Kunde' },
    state: { active: 'Aktiv', suspended: 'Gesperrt' },
    never: 'nie',
    stock: 'auf Lager',
    empty_password: 'Leer lassen: bleibt, wie es ist',
    secret: {
        reveal: '%{name} anzeigen', hide: '%{name} verbergen', copy: '%{name} kopieren', copied: '%{name} kopiert',
        no_clipboard: 'Dieser Browser gibt die Zwischenablage nicht frei.',
    },
};

export default words;
