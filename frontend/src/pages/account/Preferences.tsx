import MenuItem from '@mui/material/MenuItem';
import Stack from '@mui/material/Stack';
import TextField from '@mui/material/TextField';
import { useLocales, useLocaleState, useTranslate } from 'react-admin';
import { APPEARANCES, type Appearance, useAppearance } from '../../frame/appearance';

/** What this browser remembers. */
export const Preferences = () => {
    const [translate, locales] = [useTranslate(), useLocales()];
    const [locale, setLocale] = useLocaleState();
    const [appearance, setAppearance] = useAppearance();
    return (
        <Stack direction={{ sm: 'row' }} sx={{ gap: 2 }}>
            <TextField
                select id="language" fullWidth label={translate('karana.account.language')} value={locale}
                onChange={event => setLocale(event.target.value)}
            >
                {locales.map(one => <MenuItem key={one.locale} value={one.locale} lang={one.locale}>{one.name}</MenuItem>)}
            </TextField>
            <TextField
                select id="appearance" fullWidth label={translate('karana.account.appearance')} value={appearance}
                onChange={event => setAppearance(event.target.value as Appearance)}
            >
                {APPEARANCES.map(one => <MenuItem key={one} value={one}>{translate(`karana.frame.appearance.${one}`)}</MenuItem>)}
            </TextField>
        </Stack>
    );
};
