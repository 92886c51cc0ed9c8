import CheckIcon from '@mui/icons-material/Check';
import LogoutIcon from '@mui/icons-material/Logout';
import PersonIcon from '@mui/icons-material/Person';
import KeyIcon from '@mui/icons-material/VpnKey';
import Divider from '@mui/material/Divider';
import ListItemIcon from '@mui/material/ListItemIcon';
import ListItemText from '@mui/material/ListItemText';
import MenuItem, { type MenuItemProps } from '@mui/material/MenuItem';
import type { Theme } from '@mui/material/styles';
import useMediaQuery from '@mui/material/useMediaQuery';
import type { ReactNode } from 'react';
import { UserMenu as Base, useLocales, useLocaleState, useLogout, useTranslate, useUserMenu } from 'react-admin';
import { Link } from 'react-router-dom';
import { useStanding } from '../api';
import { APPEARANCES, useAppearance } from './appearance';

// The menu hands its items what the keyboard needs.
type ItemProps = Pick<MenuItemProps, 'autoFocus' | 'tabIndex' | 'ref'>;

const To = ({ to, icon, text, more, ...item }: ItemProps & { to: string; icon: ReactNode; text: string; more?: string }) => (
    <MenuItem component={Link} to={to} onClick={useUserMenu()?.onClose} {...(item as object)}>
        <ListItemIcon>{icon}</ListItemIcon>
        <ListItemText primary={text} secondary={more} sx={{ whiteSpace: 'normal' }} />
    </MenuItem>
);

const Choice = ({ chosen, choose, text, lang, ...item }: ItemProps & {
    chosen: boolean;
    choose: () => void;
    text: string;
    lang?: string;
}) => {
    const menu = useUserMenu();
    const take = () => {
        menu?.onClose();
        choose();
    };
    return (
        <MenuItem role="menuitemradio" aria-checked={chosen} dense onClick={take} {...item}>
            <ListItemIcon>{chosen && <CheckIcon fontSize="small" />}</ListItemIcon>
            <ListItemText lang={lang}>{text}</ListItemText>
        </MenuItem>
    );
};

const SignOut = (item: ItemProps) => {
    const [translate, logout, menu] = [useTranslate(), useLogout(), useUserMenu()];
    const leave = () => {
        menu?.onClose();
        void logout({}, undefined, false);
    };
    return (
        <MenuItem onClick={leave} {...item}>
            <ListItemIcon><LogoutIcon fontSize="small" /></ListItemIcon>
            <ListItemText>{translate('ra.auth.logout')}</ListItemText>
        </MenuItem>
    );
};

export const UserMenu = () => {
    const [translate, me, locales] = [useTranslate(), useStanding()?.me, useLocales()];
    const [locale, setLocale] = useLocaleState();
    const [appearance, setAppearance] = useAppearance();
    // The button shows the name then, and its label has to hold what it shows.
    const wide = useMediaQuery((theme: Theme) => theme.breakpoints.up('sm'));
    return (
        <Base label={wide && me ? `${translate('ra.auth.user_menu')}: ${me.name || me.email}` : 'ra.auth.user_menu'}>
            <To
                to="/account" icon={<PersonIcon fontSize="small" />} text={translate('karana.account.title')}
                more={me?.email}
            />
            <To to="/keys" icon={<KeyIcon fontSize="small" />} text={translate('resources.keys.name', { smart_count: 2 })} />
            <Divider />
            {APPEARANCES.map(one => (
                <Choice
                    key={one} chosen={one === appearance} choose={() => setAppearance(one)}
                    text={translate(`karana.frame.appearance.${one}`)}
                />
            ))}
            <Divider />
            {locales.map(one => (
                <Choice
                    key={one.locale} chosen={one.locale === locale} choose={() => setLocale(one.locale)}
                    text={one.name} lang={one.locale}
                />
            ))}
            <Divider />
            <SignOut />
        </Base>
    );
};
