import { defaultDarkTheme, defaultLightTheme } from 'react-admin';
import { accessible } from './accessible';

// No font from elsewhere, and none to load.
const typography = { fontFamily: 'system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif' };

export const light = {
    ...defaultLightTheme,
    components: { ...defaultLightTheme.components, ...accessible },
    typography,
    palette: { ...defaultLightTheme.palette, primary: { main: '#1b5e20' }, secondary: { main: '#1b5e20' }, error: { main: '#b71c1c' } },
};

export const dark = {
    ...defaultDarkTheme,
    components: { ...defaultDarkTheme.components, ...accessible },
    typography,
    palette: { ...defaultDarkTheme.palette, primary: { main: '#81c784' }, error: { main: '#ef9a9a' } },
};
