import type english from '../en/fleet';

const words: typeof english = {
    fields: 'Données',
    in_stock: 'En stock',
    kid_rule: 'Lettres, chiffres, _ et -, 32 au plus',
    kid_help: "Facultatif : le nom que l'appareil se donne dans ses mesures, unique chez son propriétaire",
    series_help: "La série dans InfluxDB où l'appareil écrit",
    now: {
        title: 'État actuel', checked_at: 'Dernière vérification',
        clock_ahead: "Son horloge avance : certains de ses points sont datés du futur. Ils ne comptent pas comme signe de vie.",
    },
    sync: {
        title: 'Synchronisation', synced: 'Synchronisé', pending: 'En attente', failed: 'Échoué',
        none: "Il n'y a rien avec quoi synchroniser.", since: 'depuis', next_try: 'prochain essai',
        unpaid: "Suspendu jusqu'à un paiement, depuis",
    },
    dependents: {
        count: '%{smart_count} %{name}',
        refer: "D'autres enregistrements s'y réfèrent : %{counted}. Que deviennent-ils ?",
        release: 'Ils restent, sans cette référence', delete: 'Ils sont supprimés aussi',
    },
    measured: {
        title: 'Le dernier jour', field: 'Grandeur', time: 'Heure', as_table: 'Afficher en tableau', as_chart: 'Afficher en graphique',
        step: 'Moyenne de chaque %{every}',
        summary: 'Graphique de %{field} sur le dernier jour : minimum %{least}, maximum %{most}, dernier %{last}',
        nothing: "Il n'a rien envoyé le dernier jour.",
        stock: "Un karana en stock n'envoie rien : il n'a pas de propriétaire, donc pas de base de données.",
        away: "Les mesures ne sont pas disponibles maintenant : InfluxDB est absente, trop lente ou pas configurée.",
    },
    device: {
        title: 'Appareil', address: 'InfluxDB', database: 'Base de données', user: 'Utilisateur', password: 'Mot de passe',
        config_line: 'Ligne de configuration', curl_line: 'Tester avec curl',
        curl_help: "La commande envoie un point d'essai comme le fait l'appareil. La réponse 204 signifie qu'il en a le droit.",
        sheet: 'Feuille à imprimer', print: 'Imprimer', qr: 'Code QR de la ligne de configuration',
        stock: 'En stock : il reçoit sa ligne de configuration avec un propriétaire.',
        no_influxdb: "Ce serveur n'a pas d'InfluxDB : il n'y a rien à dire à un appareil.",
        no_secrets: "Le mot de passe de l'appareil n'est pas pour votre rôle.",
        handover: "Une transmission est en cours : l'appareil n'utilise pas encore ce mot de passe. Ne le reprogrammez pas maintenant.",
    },
    move: {
        action: 'Déplacer', title: 'Déplacer %{name} vers un autre propriétaire',
        data_stays: "Ce qu'il a mesuré jusqu'ici reste chez son propriétaire actuel.",
    },
    rotate: { action: 'Nouveau mot de passe', title: 'Un nouveau mot de passe pour %{name}' },
    handover: {
        how: "Comment l'appareil l'apprend-il ?",
        remote: 'De lui-même', by_hand: "Quelqu'un le reprogramme, immédiatement",
        remote_help:
            "L'appareil lit son nouveau mot de passe quand il interroge sa configuration. Jusque-là, InfluxDB accepte l'ancien, et rien " +
            "n'est perdu. Cela prend environ une interrogation et quatre envois ; son état montre où il en est.",
        by_hand_help:
            "L'ancien mot de passe cesse immédiatement : InfluxDB refuse l'appareil jusqu'à ce que quelqu'un l'ait reprogrammé avec la " +
            'nouvelle ligne de configuration.',
        into_stock: "En stock, il n'a pas de lieu où envoyer : InfluxDB refuse l'appareil désormais.",
        from_stock_move: 'Il reçoit une place dans la base de son propriétaire. Reprogrammez-le ensuite avec sa ligne de configuration.',
        from_stock_rotate: "En stock, il n'envoie rien : le nouveau mot de passe compte immédiatement.",
        not_remote: {
            no_influxdb: "Il ne peut pas l'apprendre de lui-même : ce serveur n'a pas d'InfluxDB.",
            under_way: 'Une transmission est en cours. Une à la main y met fin.',
            clock_ahead: "Il ne peut pas l'apprendre de lui-même : son horloge avance, si bien que ses envois ne sont pas vus.",
        },
        under_way: 'Une transmission est en cours.',
        moving: "Il lui a été dit d'envoyer à son nouveau propriétaire ; il ne l'a pas encore fait. InfluxDB accepte l'ancien mot de passe.",
        offered:
            "Son nouveau mot de passe lui a été proposé. InfluxDB accepte l'ancien jusqu'à ce que l'appareil se taise, ce qu'il fait dès qu'il a " +
            'le nouveau.',
        tried:
            "InfluxDB accepte le nouveau mot de passe ; l'appareil n'a pas encore envoyé avec lui. S'il ne le fait pas, l'ancien est remis.",
        tries: 'Essayé une fois |||| Essayé %{smart_count} fois',
        begun: 'Commencé',
        notice: {
            nothing: "Fait. Il n'y a rien à faire avec l'appareil.",
            flash: "Fait. InfluxDB refuse l'appareil jusqu'à ce que quelqu'un l'ait reprogrammé avec sa nouvelle ligne de configuration.",
            flash_moved:
                "Fait. InfluxDB refuse l'appareil jusqu'à ce que quelqu'un l'ait reprogrammé avec sa nouvelle ligne de configuration. " +
                "Ses données restent chez l'ancien propriétaire.",
            remote:
                "Commencé. L'appareil garde son ancien mot de passe jusqu'à ce qu'il ait appris le nouveau ; son état montre où il en est.",
            remote_moved:
                "Commencé. L'appareil garde son ancien mot de passe et l'accès à la base de l'ancien propriétaire jusqu'à ce qu'il envoie au " +
                "nouveau ; son état montre où il en est. Ses données restent chez l'ancien propriétaire.",
        },
    },
    owner: {
        karanas: 'Karanas', new_karana: 'Nouveau karana', no_karanas: 'Pas encore de karanas.',
        credentials: 'Accès', database: 'Base et utilisateur InfluxDB', influxdb: 'Mot de passe InfluxDB',
        grafana: 'Mot de passe Grafana', grafana_login: 'Utilisateur Grafana', grafana_open: 'Ouvrir Grafana',
        no_secrets: 'Les mots de passe ne sont pas pour votre rôle.',
        rotate: {
            action: 'Nouveaux mots de passe', title: 'De nouveaux mots de passe pour %{name} ?',
            content:
                'InfluxDB et Grafana reçoivent de nouveaux mots de passe pour ce propriétaire et refusent immédiatement les anciens. ' +
                'La connexion ici reste la même, et les appareils aussi.',
            done: 'Il y a de nouveaux mots de passe',
        },
        link: {
            action: 'Lien de mot de passe', title: 'Un lien pour choisir le mot de passe de %{name}',
            content:
                "Qui ouvre le lien choisit le mot de passe, une fois. Jusque-là, l'ancien est valable. Un nouveau lien remplace le précédent.",
            make: 'Créer un lien', url: 'Lien', until: "Valable jusqu'à",
        },
        how: 'Mot de passe', by_hand: 'Le choisir maintenant', by_link: 'Laisser le propriétaire le choisir, par un lien',
        by_link_help: "Vous recevez un lien à transmettre, valable une heure.",
        not_yours: 'Votre rôle ne peut pas modifier cet enregistrement.',
    },
};

export default words;
