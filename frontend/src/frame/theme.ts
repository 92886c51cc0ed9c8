import { defaultDarkTheme, defaultLightTheme } from 'react-admin';

// No font from elsewhere, and none to load.
const typography = { fontFamily: 'system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif' };

// A deletion is done when it is said to be done; what brings it back afterwards is in Notification.tsx.
const DONE = { defaultProps: { mutationMode: 'pessimistic' } };
const DELETING = { RaDeleteButton: DONE, RaBulkDeleteButton: DONE };

export const light = {
    ...defaultLightTheme,
    typography,
    components: { ...defaultLightTheme.components, ...DELETING },
    palette: {
        ...defaultLightTheme.palette, primary: { main: '#1b5e20' }, secondary: { main: '#1b5e20' },
        // Legible on the grey below a form, too.
        error: { main: '#b71c1c' },
    },
};

export const dark = {
    ...defaultDarkTheme,
    typography,
    components: { ...defaultDarkTheme.components, ...DELETING },
    palette: { ...defaultDarkTheme.palette, primary: { main: '#81c784' } },
};
