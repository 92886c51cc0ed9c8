import type english from '../en/fleet';

const words: typeof english = {
    fields: 'Angaben',
    in_stock: 'Auf Lager',
    kid_rule: 'Buchstaben, Ziffern, _ und -, höchstens 32',
    kid_help: 'Freiwillig: wie sich das Gerät in seinen Messungen nennt, einmalig bei seinem Besitzer',
    series_help: 'Die Messreihe in InfluxDB, in die das Gerät schreibt',
    now: {
        title: 'Zustand jetzt', checked_at: 'Zuletzt nachgesehen',
        clock_ahead: 'Seine Uhr geht vor: manche Messpunkte liegen in der Zukunft. Sie zählen nicht als Lebenszeichen.',
    },
    sync: {
        title: 'Abgleich', synced: 'Abgeglichen', pending: 'Ausstehend', failed: 'Fehlgeschlagen',
        none: 'Es gibt nichts, womit abgeglichen würde.', since: 'seit', next_try: 'nächster Versuch',
        unpaid: 'Gesperrt, bis jemand zahlt, seit',
    },
    dependents: {
        count: '%{smart_count} %{name}',
        refer: 'Andere Einträge verweisen darauf: %{counted}. Was wird aus ihnen?',
        release: 'Sie bleiben, ohne diesen Verweis', delete: 'Sie werden mit gelöscht',
    },
    measured: {
        title: 'Der letzte Tag', field: 'Messgröße', time: 'Zeit', as_table: 'Als Tabelle zeigen', as_chart: 'Als Diagramm zeigen',
        step: 'Mittelwert über je %{every}',
        summary: 'Diagramm von %{field} am letzten Tag: kleinster Wert %{least}, größter %{most}, letzter %{last}',
        nothing: 'Am letzten Tag hat es nichts gesendet.',
        stock: 'Ein Karana auf Lager sendet nichts: es hat keinen Besitzer, also keine Datenbank.',
        away: 'Die Messungen sind jetzt nicht zu haben: InfluxDB ist nicht da, zu langsam oder nicht eingerichtet.',
    },
    device: {
        title: 'Gerät', address: 'InfluxDB', database: 'Datenbank', user: 'Benutzer', password: 'Passwort',
        config_line: 'Konfigurationszeile', curl_line: 'Mit curl prüfen',
        curl_help: 'Der Befehl sendet einen Messpunkt zur Probe, wie das Gerät es tut. Die Antwort 204 heißt, dass es das darf.',
        sheet: 'Blatt zum Drucken', print: 'Drucken', qr: 'QR-Code der Konfigurationszeile',
        stock: 'Auf Lager: mit einem Besitzer bekommt es seine Konfigurationszeile.',
        no_influxdb: 'Dieser Server hat keine InfluxDB; einem Gerät ist nichts zu sagen.',
        no_secrets: 'Das Passwort des Geräts ist nicht für Ihre Rolle.',
        handover: 'Eine Übergabe läuft: das Gerät richtet sich noch nicht nach diesem Passwort. Bitte jetzt nicht neu bespielen.',
    },
    move: {
        action: 'Umziehen', title: '%{name} zu einem anderen Besitzer umziehen',
        data_stays: 'Was es bisher gemessen hat, bleibt beim jetzigen Besitzer.',
    },
    rotate: { action: 'Neues Passwort', title: 'Ein neues Passwort für %{name}' },
    handover: {
        how: 'Wie erfährt es das Gerät?',
        remote: 'Von selbst', by_hand: 'Jemand bespielt es neu, sofort',
        remote_help:
            'Das Gerät liest sein neues Passwort, wenn es das nächste Mal seine Konfiguration abfragt. Bis dahin nimmt InfluxDB das alte, ' +
            'so dass nichts verloren geht. Es dauert etwa eine Abfrage und vier Sendungen; sein Zustand zeigt, wie weit es ist.',
        by_hand_help:
            'Das alte Passwort gilt sofort nicht mehr: InfluxDB weist das Gerät ab, bis jemand es mit der neuen Konfigurationszeile bespielt hat.',
        into_stock: 'Auf Lager hat es keinen Ort, an den es sendet: InfluxDB weist das Gerät von nun an ab.',
        from_stock_move: 'Es bekommt einen Platz in der Datenbank seines Besitzers. Danach mit seiner Konfigurationszeile bespielen.',
        from_stock_rotate: 'Auf Lager sendet es nichts; das neue Passwort gilt sofort.',
        not_remote: {
            no_influxdb: 'Von selbst kann es das nicht erfahren: dieser Server hat keine InfluxDB.',
            under_way: 'Eine Übergabe läuft. Eine von Hand beendet sie.',
            clock_ahead: 'Von selbst kann es das nicht erfahren: seine Uhr geht vor, so dass seine Sendungen nicht gesehen werden.',
        },
        under_way: 'Eine Übergabe läuft.',
        moving: 'Ihm wurde gesagt, dass es an seinen neuen Besitzer senden soll; noch hat es das nicht getan. InfluxDB nimmt das alte Passwort.',
        offered:
            'Ihm wurde sein neues Passwort angeboten. InfluxDB nimmt das alte, bis das Gerät verstummt, wie es das tut, sobald es das neue hat.',
        tried: 'InfluxDB nimmt das neue Passwort; noch hat das Gerät damit nicht gesendet. Bleibt es dabei, wird das alte wieder eingesetzt.',
        tries: 'Einmal versucht |||| %{smart_count}-mal versucht',
        begun: 'Begonnen',
        notice: {
            nothing: 'Erledigt. Am Gerät ist nichts zu tun.',
            flash: 'Erledigt. InfluxDB weist das Gerät ab, bis jemand es mit seiner neuen Konfigurationszeile bespielt hat.',
            flash_moved:
                'Erledigt. InfluxDB weist das Gerät ab, bis jemand es mit seiner neuen Konfigurationszeile bespielt hat. ' +
                'Seine Daten bleiben beim früheren Besitzer.',
            remote: 'Begonnen. Das Gerät behält sein altes Passwort, bis es das neue erfahren hat; sein Zustand zeigt, wie weit es ist.',
            remote_moved:
                'Begonnen. Das Gerät behält sein altes Passwort und den Zugang zur Datenbank des früheren Besitzers, bis es an den neuen ' +
                'sendet; sein Zustand zeigt, wie weit es ist. Seine Daten bleiben beim früheren Besitzer.',
        },
    },
    owner: {
        karanas: 'Karanas', new_karana: 'Neues Karana', no_karanas: 'Noch keine Karanas.',
        credentials: 'Zugangsdaten', database: 'Datenbank und Benutzer in InfluxDB', influxdb: 'Passwort in InfluxDB',
        grafana: 'Passwort in Grafana', grafana_login: 'Benutzer in Grafana', grafana_open: 'Grafana öffnen',
        no_secrets: 'Die Passwörter sind nicht für Ihre Rolle.',
        rotate: {
            action: 'Neue Passwörter', title: 'Neue Passwörter für %{name}?',
            content:
                'InfluxDB und Grafana bekommen neue Passwörter für diesen Besitzer und weisen die alten sofort ab. ' +
                'Wie man sich hier anmeldet, bleibt, und die Geräte bleiben auch, wie sie sind.',
            done: 'Es gibt neue Passwörter',
        },
        link: {
            action: 'Passwort-Link', title: 'Ein Link, um das Passwort von %{name} zu setzen',
            content: 'Wer den Link öffnet, setzt das Passwort, einmal. Bis dahin gilt das alte. Ein neuer Link ersetzt den vorigen.',
            make: 'Link erzeugen', url: 'Link', until: 'Gilt bis',
        },
        how: 'Passwort', by_hand: 'Jetzt setzen', by_link: 'Den Besitzer setzen lassen, über einen Link',
        by_link_help: 'Sie bekommen einen Link zum Weitergeben, der eine Stunde gilt.',
        not_yours: 'Ihre Rolle darf diesen Eintrag nicht ändern.',
    },
};

export default words;
