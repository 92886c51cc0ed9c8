import type { TranslationMessages } from 'react-admin';

// There is no translation of react-admin 5 into German on npm; the type says when one of its texts is missing.
const german: TranslationMessages = {
    ra: {
        action: {
            add_filter: 'Filter hinzufügen', add: 'Hinzufügen', back: 'Zurück',
            bulk_actions: '1 ausgewählt |||| %{smart_count} ausgewählt', cancel: 'Abbrechen', clear_array_input: 'Liste leeren',
            clear_input_value: 'Eingabe löschen', clone: 'Duplizieren', confirm: 'Bestätigen', create: 'Anlegen',
            create_item: '%{item} anlegen', delete: 'Löschen', edit: 'Bearbeiten', export: 'Exportieren', list: 'Liste',
            refresh: 'Aktualisieren', remove_filter: 'Filter entfernen', remove_all_filters: 'Alle Filter entfernen',
            remove: 'Entfernen', reset: 'Zurücksetzen', save: 'Speichern', search: 'Suchen', search_columns: 'Spalten suchen',
            select_all: 'Alle auswählen', select_all_button: 'Alle auswählen', select_row: 'Diese Zeile auswählen',
            show: 'Anzeigen', sort: 'Sortieren', undo: 'Rückgängig', unselect: 'Auswahl aufheben', expand: 'Aufklappen',
            close: 'Schließen', open_menu: 'Menü öffnen', close_menu: 'Menü schließen', update: 'Ändern',
            move_up: 'Nach oben', move_down: 'Nach unten', open: 'Öffnen', toggle_theme: 'Zwischen hell und dunkel wechseln',
            select_columns: 'Spalten', update_application: 'Neu laden',
        },
        boolean: { true: 'Ja', false: 'Nein', null: ' ' },
        page: {
            create: '%{name} anlegen', dashboard: 'Übersicht', edit: '%{name} %{recordRepresentation}',
            error: 'Etwas ist schiefgegangen', list: '%{name}', loading: 'Wird geladen', not_found: 'Nicht gefunden',
            show: '%{name} %{recordRepresentation}', empty: 'Noch keine %{name}.', invite: 'Möchten Sie etwas anlegen?',
            access_denied: 'Kein Zugriff', authentication_error: 'Fehler bei der Anmeldung',
        },
        input: {
            file: { upload_several: 'Dateien hierher ziehen oder klicken.', upload_single: 'Datei hierher ziehen oder klicken.' },
            image: { upload_several: 'Bilder hierher ziehen oder klicken.', upload_single: 'Bild hierher ziehen oder klicken.' },
            references: {
                all_missing: 'Die verknüpften Einträge sind nicht zu finden.',
                many_missing: 'Mindestens einen der verknüpften Einträge gibt es nicht mehr.',
                single_missing: 'Den verknüpften Eintrag gibt es nicht mehr.',
            },
            password: { toggle_visible: 'Passwort verbergen', toggle_hidden: 'Passwort zeigen' },
        },
        message: {
            about: 'Über', access_denied: 'Ihre Rolle hat keinen Zugriff auf diese Seite.', are_you_sure: 'Sind Sie sicher?',
            authentication_error: 'Die Anmeldung konnte nicht geprüft werden.', auth_error: 'Die Anmeldung konnte nicht geprüft werden.',
            bulk_delete_content: 'Diesen Eintrag wirklich löschen? |||| Diese %{smart_count} Einträge wirklich löschen?',
            bulk_delete_title: '%{name} löschen |||| %{smart_count} %{name} löschen',
            bulk_update_content: 'Diesen Eintrag wirklich ändern? |||| Diese %{smart_count} Einträge wirklich ändern?',
            bulk_update_title: '%{name} %{recordRepresentation} ändern |||| %{smart_count} %{name} ändern',
            clear_array_input: 'Wirklich die ganze Liste leeren?', delete_content: 'Diesen Eintrag wirklich löschen?',
            delete_title: '%{name} „%{recordRepresentation}“ löschen', details: 'Einzelheiten',
            error: 'Auf dieser Seite ist ein Fehler aufgetreten; die Anfrage wurde nicht ausgeführt.',
            invalid_form: 'Bitte prüfen Sie Ihre Eingaben.', loading: 'Bitte warten', no: 'Nein',
            not_found: 'Diese Seite gibt es nicht.',
            select_all_limit_reached: 'Zu viele für eine Auswahl. Nur die ersten %{max} sind ausgewählt.',
            unsaved_changes: 'Nicht alles ist gespeichert. Änderungen verwerfen?', yes: 'Ja',
            placeholder_data_warning: 'Netzwerkfehler: Die Daten wurden nicht aktualisiert.',
        },
        navigation: {
            clear_filters: 'Filter entfernen', no_filtered_results: 'Keine %{name} mit diesen Filtern.',
            no_results: 'Keine %{name} gefunden.', no_more_results: 'Seite %{page} gibt es nicht. Versuchen Sie die vorige.',
            page_out_of_boundaries: 'Seite %{page} gibt es nicht', page_out_from_end: 'Das ist die letzte Seite',
            page_out_from_begin: 'Das ist die erste Seite', page_range_info: '%{offsetBegin}–%{offsetEnd} von %{total}',
            partial_page_range_info: '%{offsetBegin}–%{offsetEnd} von mehr als %{offsetEnd}', current_page: 'Seite %{page}',
            page: 'Zu Seite %{page}', first: 'Zur ersten Seite', last: 'Zur letzten Seite', next: 'Zur nächsten Seite',
            previous: 'Zur vorigen Seite', page_rows_per_page: 'Zeilen pro Seite:', skip_nav: 'Zum Inhalt',
        },
        sort: { sort_by: 'Nach %{field} %{order} sortieren', ASC: 'aufsteigend', DESC: 'absteigend' },
        auth: {
            auth_check_error: 'Bitte melden Sie sich an', user_menu: 'Konto', username: 'E-Mail', password: 'Passwort', email: 'E-Mail',
            sign_in: 'Anmelden', sign_in_error: 'Anmeldung fehlgeschlagen', logout: 'Abmelden',
        },
        notification: {
            updated: 'Gespeichert |||| %{smart_count} gespeichert', created: 'Angelegt',
            deleted: 'Gelöscht |||| %{smart_count} gelöscht', bad_item: 'Fehlerhafter Eintrag',
            item_doesnt_exist: 'Diesen Eintrag gibt es nicht', http_error: 'Der Server ist nicht erreichbar',
            data_provider_error: 'Die Antwort des Servers war nicht zu verstehen.', i18n_error: 'Die Übersetzung konnte nicht geladen werden',
            canceled: 'Abgebrochen', logged_out: 'Ihre Sitzung ist abgelaufen, bitte melden Sie sich wieder an.',
            not_authorized: 'Ihre Rolle darf das nicht.', application_update_available: 'Es gibt eine neuere Fassung.',
            offline: 'Keine Verbindung: Die Daten konnten nicht geladen werden.',
        },
        validation: {
            required: 'Pflichtfeld', minLength: 'Mindestens %{min} Zeichen', maxLength: 'Höchstens %{max} Zeichen',
            minValue: 'Mindestens %{min}', maxValue: 'Höchstens %{max}', number: 'Muss eine Zahl sein',
            email: 'Muss eine E-Mail-Adresse sein', oneOf: 'Muss eines hiervon sein: %{options}', regex: 'Muss diesem Muster entsprechen: %{pattern}',
            unique: 'Ist schon vergeben',
        },
        saved_queries: {
            label: 'Gespeicherte Abfragen', query_name: 'Name der Abfrage', new_label: 'Abfrage speichern …',
            new_dialog_title: 'Abfrage speichern als', remove_label: 'Abfrage entfernen',
            remove_label_with_name: 'Abfrage „%{name}“ entfernen', remove_dialog_title: 'Abfrage entfernen?',
            remove_message: 'Diese Abfrage wirklich entfernen?', help: 'Filtern und die Abfrage für später speichern',
        },
        guesser: { empty: { title: 'Keine Daten', message: 'Bitte die Datenquelle prüfen' } },
        configurable: {
            customize: 'Anpassen', configureMode: 'Diese Seite anpassen',
            inspector: {
                title: 'Anpassen', content: 'Auf ein Element zeigen, um es anzupassen', reset: 'Zurücksetzen',
                hideAll: 'Alle verbergen', showAll: 'Alle zeigen',
            },
            Datagrid: { title: 'Tabelle', unlabeled: 'Spalte ohne Namen #%{column}' },
            SimpleForm: { title: 'Formular', unlabeled: 'Eingabe ohne Namen #%{input}' },
            SimpleList: { title: 'Liste', primaryText: 'Erster Text', secondaryText: 'Zweiter Text', tertiaryText: 'Dritter Text' },
        },
    },
};

export default german;
