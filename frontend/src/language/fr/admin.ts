import french from 'ra-language-french';

const { ra } = french;

/** React-admin's texts, without the English and the slips in them, and with the words that this page has for the same. */
export default {
    ...french,
    ra: {
        ...ra,
        action: { ...ra.action, edit: 'Modifier', expand: 'Déplier', update_application: 'Recharger' },
        auth: {
            ...ra.auth,
            user_menu: 'Compte', username: 'E-mail', email: 'E-mail', sign_in: 'Se connecter', logout: 'Se déconnecter',
            auth_check_error: 'Veuillez vous connecter',
        },
        page: { ...ra.page, not_found: 'Page introuvable', access_denied: 'Accès refusé' },
        input: {
            ...ra.input,
            file: {
                upload_several: 'Déposez les fichiers ici, ou cliquez pour les choisir.',
                upload_single: 'Déposez le fichier ici, ou cliquez pour le choisir.',
            },
            image: {
                upload_several: 'Déposez les images ici, ou cliquez pour les choisir.',
                upload_single: 'Déposez l’image ici, ou cliquez pour la choisir.',
            },
            password: { toggle_visible: 'Masquer le mot de passe', toggle_hidden: 'Afficher le mot de passe' },
        },
        message: {
            ...ra.message,
            about: 'À propos', are_you_sure: 'Est-ce bien ce que vous voulez ?',
            access_denied: 'Votre rôle ne donne pas accès à cette page.', not_found: 'Cette page n’existe pas.',
            authentication_error: 'La connexion n’a pas pu être vérifiée.', auth_error: 'La connexion n’a pas pu être vérifiée.',
            bulk_delete_content: 'Supprimer cet élément ? |||| Supprimer ces %{smart_count} éléments ?',
            bulk_update_content: 'Modifier cet élément ? |||| Modifier ces %{smart_count} éléments ?',
            clear_array_input: 'Vider toute la liste ?', delete_content: 'Supprimer cet élément ?',
            invalid_form: 'Veuillez vérifier les champs du formulaire.', loading: 'Veuillez patienter',
            unsaved_changes: 'Tout n’est pas enregistré. Quitter cette page quand même ?',
            placeholder_data_warning: 'Problème de réseau : les données n’ont pas été actualisées.',
        },
        navigation: {
            ...ra.navigation,
            no_more_results: 'La page %{page} n’existe pas. Essayez la précédente.', page_out_of_boundaries: 'La page %{page} n’existe pas',
            page_out_from_end: 'C’est la dernière page', page_out_from_begin: 'C’est la première page',
            page_range_info: '%{offsetBegin}–%{offsetEnd} sur %{total}',
            partial_page_range_info: '%{offsetBegin}–%{offsetEnd} sur plus de %{offsetEnd}',
            next: 'Aller à la page suivante',
        },
        notification: {
            ...ra.notification,
            updated: 'Enregistré |||| %{smart_count} éléments enregistrés', created: 'Créé',
            deleted: 'Supprimé |||| %{smart_count} éléments supprimés', bad_item: 'Élément incorrect',
            data_provider_error: 'La réponse du serveur n’a pas été comprise', not_authorized: 'Votre rôle ne permet pas cela.',
            logged_out: 'Votre session a expiré, veuillez vous reconnecter.',
        },
        validation: {
            ...ra.validation,
            required: 'Obligatoire', minLength: 'Au moins %{min} caractères', maxLength: 'Au plus %{max} caractères',
            minValue: 'Au moins %{min}', maxValue: 'Au plus %{max}', email: 'Doit être une adresse e-mail',
            oneOf: 'Doit être l’un de : %{options}', regex: 'Doit correspondre à : %{pattern}',
        },
        saved_queries: {
            ...ra.saved_queries,
            new_label: 'Ajouter à mes requêtes…', new_dialog_title: 'Enregistrer cette requête sous',
            remove_label_with_name: 'Retirer « %{name} » de mes requêtes', remove_dialog_title: 'Retirer de mes requêtes ?',
            remove_message: 'Retirer cette requête de votre liste ?',
        },
        guesser: { empty: { title: 'Aucune donnée', message: 'Veuillez vérifier la source des données' } },
    },
};
