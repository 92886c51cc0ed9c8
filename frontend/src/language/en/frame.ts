export default {
    sync: 'Sync', history: 'History', about: 'About', menu: 'Pages',
    appearance: { system: 'As the system has it', light: 'Light', dark: 'Dark' },
    away: 'The server does not answer. This page tries again by itself.',
    held: 'There were too many calls from this address. This page goes on by itself in a moment.',
    unended:
        'You are signed out of this browser. The server has not been told yet, as it does not answer: that is done as soon as it ' +
        'does. Nobody comes in here without signing in.',
    wait: 'Too many attempts have failed. Try again %{time}.',
    forgotten: 'Forgot your password? Ask your operator for a link with which you can set another one.',
    ended: 'Your session has ended',
    again: 'Sign in again to go on where you were. Nothing on this page is lost.',
    failed: 'This page cannot be shown. Reload it, or go back; if that does not help, pass on this message:',
    outdated: 'There is a newer version of this page', outdated_help: 'The server has been updated meanwhile. Reload to go on.',
    reload: 'Reload', missing: 'There is no page at “%{path}”.',
};
