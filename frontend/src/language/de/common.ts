import type english from '../en/common';

const words: typeof english = {
    conflict: 'Inzwischen hat jemand anderes dies geändert. Bitte aktualisieren, ansehen und die Änderung wiederholen.',
    unreachable: 'Der Server antwortet nicht. Soweit bekannt, wurde nichts geändert.',
    dashboard: { offline: 'Offline', nobody: 'Kein Karana ist offline.', fleet: 'Die Flotte' },
    connection: { online: 'Online', late: 'Verspätet', offline: 'Offline', unknown: 'Unbekannt' },
    role: { admin: 'Administrator', manager: 'Verwalter', viewer: 'Betrachter', client: 'Kunde' },
    state: { active: 'Aktiv', suspended: 'Gesperrt' },
    never: 'nie',
    stock: 'auf Lager',
    empty_password: 'Leer: bleibt, wie es ist',
    secret: {
        reveal: '%{name} zeigen', hide: '%{name} verbergen', copy: '%{name} kopieren', copied: '%{name} kopiert',
        no_clipboard: 'Dieser Browser gibt die Zwischenablage nicht frei.',
    },
    frame: { sync: 'Abgleich', history: 'Verlauf', about: 'Über' },
};

export default words;
