import Typography from '@mui/material/Typography';
import { useCallback, useEffect } from 'react';
import { useLogin, useTranslate } from 'react-admin';
import { useLocation, useNavigate } from 'react-router-dom';
import { authProvider, client } from '../api';
import { Entrance } from './Entrance';
import { SignInForm } from './SignInForm';

interface Before {
    nextPathname?: string;
    nextSearch?: string;
}

/** The page at which one signs in, and that leads back to where one was. */
export const SignIn = () => {
    const [login, translate, navigate] = [useLogin(), useTranslate(), useNavigate()];
    const { nextPathname = '/', nextSearch = '' } = (useLocation().state ?? {}) as Before;
    const next = nextPathname + nextSearch;

    const enter = useCallback(() => {
        // Without a session one stays here.
        authProvider.checkAuth({}).then(() => navigate(next, { replace: true }), () => {});
    }, [navigate, next]);
    useEffect(() => {
        enter();
        return client.tabs.listen(news => news === 'in' && enter());
    }, [enter]);

    return (
        <Entrance title="ra.auth.sign_in">
            <SignInForm signIn={(username, password) => login({ username, password }, next)} />
            <Typography variant="body2" color="textSecondary" sx={{ mt: 2 }}>
                {translate('karana.frame.forgotten')}
            </Typography>
        </Entrance>
    );
};
