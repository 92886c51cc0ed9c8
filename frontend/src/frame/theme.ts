import { type Theme, type ThemeOptions, createTheme } from '@mui/material/styles';
import { type RaThemeOptions, defaultDarkTheme, defaultLightTheme } from 'react-admin';
import { accessible } from './accessible';

// No font from elsewhere, and none to load.
const typography = { fontFamily: 'system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif' };

// A deletion is done when it is said to be done; what brings it back afterwards is in Notification.tsx.
const DONE = { defaultProps: { mutationMode: 'pessimistic' } };
const components = { ...accessible, RaDeleteButton: DONE, RaBulkDeleteButton: DONE };

export const light: RaThemeOptions = {
    ...defaultLightTheme,
    components: { ...defaultLightTheme.components, ...components },
    typography,
    palette: { ...defaultLightTheme.palette, primary: { main: '#1b5e20' }, secondary: { main: '#1b5e20' }, error: { main: '#b71c1c' } },
};

export const dark: RaThemeOptions = {
    ...defaultDarkTheme,
    components: { ...defaultDarkTheme.components, ...components },
    typography,
    palette: { ...defaultDarkTheme.palette, primary: { main: '#81c784' }, secondary: { main: '#81c784' }, error: { main: '#ef9a9a' } },
};

/** The same with dates and numbers as they are written in that language. */
export const inLanguage = (theme: Theme, locales: string): Theme => {
    const components = { RaDateField: { defaultProps: { locales } }, RaNumberField: { defaultProps: { locales } } };
    return createTheme(theme as ThemeOptions, { components });
};
