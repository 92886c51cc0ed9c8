import Alert from '@mui/material/Alert';
import Typography from '@mui/material/Typography';
import { useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect } from 'react';
import { useLogin, useTranslate } from 'react-admin';
import { useLocation, useNavigate } from 'react-router-dom';
import { authProvider, client } from '../api';
import { Entrance } from './Entrance';
import { SignInForm } from './SignInForm';
import { useFlag } from './flag';

interface Before {
    nextPathname?: string;
    nextSearch?: string;
}

/** The page at which one signs in, and that leads back to where one was. */
export const SignIn = () => {
    const [login, translate, navigate] = [useLogin(), useTranslate(), useNavigate()];
    const [queries, unended] = [useQueryClient(), useFlag(client.unended)];
    const { nextPathname = '/', nextSearch = '' } = (useLocation().state ?? {}) as Before;
    const next = nextPathname + nextSearch;

    const enter = useCallback(() => {
        const go = async () => {
            // What was known here is of nobody, or of who was here before.
            await queries.invalidateQueries({ queryKey: ['auth'] });
            navigate(next, { replace: true });
        };
        // Without a session one stays here.
        authProvider.checkAuth({}).then(go, () => {});
    }, [navigate, next, queries]);
    useEffect(() => {
        // Whoever comes here is told if somebody has left whose session is not ended, whichever tab they left in.
        void client.endLeft();
        enter();
        return client.tabs.listen(news => news === 'in' && enter());
    }, [enter]);

    return (
        <Entrance title="ra.auth.sign_in">
            {unended && <Alert severity="warning" sx={{ mb: 2 }}>{translate('karana.frame.unended')}</Alert>}
            <SignInForm signIn={(username, password) => login({ username, password }, next)} />
            <Typography variant="body2" color="textSecondary" sx={{ mt: 2 }}>
                {translate('karana.frame.forgotten')}
            </Typography>
        </Entrance>
    );
};
