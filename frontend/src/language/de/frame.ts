import type english from '../en/frame';

const words: typeof english = {
    sync: 'Abgleich', history: 'Verlauf', about: 'Über diesen Server', menu: 'Seiten',
    appearance: { system: 'Wie das System', light: 'Hell', dark: 'Dunkel' },
    away: 'Der Server antwortet nicht. Diese Seite versucht es von selbst immer wieder.',
    held: 'Von dieser Adresse kamen zu viele Anfragen. Diese Seite macht gleich von selbst weiter.',
    unended:
        'Sie sind in diesem Browser abgemeldet. Der Server weiß es noch nicht, denn er antwortet nicht: Er erfährt es, sobald er ' +
        'wieder da ist. Ohne Anmeldung kommt hier niemand hinein.',
    wait: 'Zu viele Fehlversuche. Bitte versuchen Sie es %{time} noch einmal.',
    forgotten: 'Passwort vergessen? Bitten Sie Ihren Betreiber um einen Link, mit dem Sie ein neues setzen können.',
    ended: 'Ihre Sitzung ist abgelaufen',
    again: 'Melden Sie sich wieder an, um hier weiterzumachen. Auf dieser Seite geht nichts verloren.',
    failed: 'Diese Seite lässt sich nicht anzeigen. Laden Sie sie neu oder gehen Sie zurück; hilft das nicht, geben Sie bitte diese Meldung weiter:',
    outdated: 'Es gibt eine neuere Fassung dieser Seite', outdated_help: 'Der Server wurde inzwischen aktualisiert. Laden Sie die Seite neu.',
    reload: 'Neu laden', missing: 'Unter „%{path}“ gibt es keine Seite.',
};

export default words;
