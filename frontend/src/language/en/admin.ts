import english from 'ra-language-english';

const { ra } = english;

/** React-admin's texts, with the words that this page has for the same. */
export default {
    ...english,
    ra: {
        ...ra,
        auth: { ...ra.auth, user_menu: 'Account', username: 'E-mail', email: 'E-mail', logout: 'Sign out', auth_check_error: 'Please sign in' },
        message: { ...ra.message, not_found: 'There is no such page.', access_denied: 'Your role may not see this page.' },
        notification: {
            ...ra.notification,
            updated: 'Saved |||| %{smart_count} saved', created: 'Created', deleted: 'Deleted |||| %{smart_count} deleted',
            item_doesnt_exist: 'There is no such record', http_error: 'The server could not be reached',
            data_provider_error: 'The server’s answer was not understood', logged_out: 'Your session has ended, please sign in again.',
            not_authorized: 'Your role may not do this.',
        },
        navigation: {
            ...ra.navigation,
            page_range_info: '%{offsetBegin}–%{offsetEnd} of %{total}',
            partial_page_range_info: '%{offsetBegin}–%{offsetEnd} of more than %{offsetEnd}',
            no_more_results: 'There is no page %{page}. Try the one before.', page_out_of_boundaries: 'There is no page %{page}',
            page_out_from_end: 'This is the last page', page_out_from_begin: 'This is the first page',
        },
        action: { ...ra.action, back: 'Go back', update_application: 'Reload' },
    },
};
