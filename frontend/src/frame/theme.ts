import { type Theme, type ThemeOptions, createTheme } from '@mui/material/styles';
import { type RaThemeOptions, defaultDarkTheme, defaultLightTheme } from 'react-admin';
import { accessible } from './accessible';
import { long } from './long';

// Text on what is coloured is black where white would be hard to read (WCAG 2.2, 1.4.3).
const contrastThreshold = 4.5;

// No font from elsewhere, and none to load.
const typography = { fontFamily: 'system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif' };

// A deletion is done when it is said to be done; what brings it back afterwards is in Notification.tsx.
const DONE = { defaultProps: { mutationMode: 'pessimistic' } };
const components = {
    ...accessible,
    ...long,
    RaDeleteButton: DONE,
    RaBulkDeleteButton: DONE,
    // Beside the button of the menu, and in a colour that is not that of its ground.
    RaSkipNavigationButton: { styleOverrides: { root: { left: 64, color: 'inherit' } } },
    // On a phone the button that makes something floats: its bar needs no room of its own.
    RaTopToolbar: { styleOverrides: { root: { '@media (max-width: 599.95px)': { minHeight: 0, backgroundColor: 'transparent' } } } },
};

export const light: RaThemeOptions = {
    ...defaultLightTheme,
    components: { ...defaultLightTheme.components, ...components },
    typography,
    palette: {
        ...defaultLightTheme.palette,
        contrastThreshold,
        primary: { main: '#1b5e20' },
        secondary: { main: '#1b5e20' },
        // Legible on the grey below a form, too.
        error: { main: '#b71c1c' },
        warning: { main: '#b45309' },
        info: { main: '#0277bd' },
    },
};

export const dark: RaThemeOptions = {
    ...defaultDarkTheme,
    components: { ...defaultDarkTheme.components, ...components },
    typography,
    palette: {
        ...defaultDarkTheme.palette,
        contrastThreshold,
        primary: { main: '#81c784' },
        secondary: { main: '#81c784' },
        error: { main: '#ef9a9a' },
    },
};

/** The same with dates and numbers as they are written in that language, and what turns while one waits by its name. */
export const inLanguage = (theme: Theme, locales: string, loading: string): Theme => {
    const components = {
        RaDateField: { defaultProps: { locales } },
        RaNumberField: { defaultProps: { locales } },
        MuiCircularProgress: { defaultProps: { 'aria-label': loading } },
    };
    return createTheme(theme as ThemeOptions, { components });
};
