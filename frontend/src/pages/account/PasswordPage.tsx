import Alert from '@mui/material/Alert';
import Button from '@mui/material/Button';
import Stack from '@mui/material/Stack';
import { useEffect, useState } from 'react';
import { Form, useTranslate } from 'react-admin';
import { Link, useLocation, useNavigate } from 'react-router-dom';
import { client } from '../../api';
import { Refusal } from '../../client';
import { Entrance } from '../../frame/Entrance';
import { useRefusalInWords } from '../../frame/refusal';
import { type NewPassword, NewPasswordInputs, atPassword } from './passwords';

/** The token of the link. It is taken out of the address, so that it is in no history and in no picture of the screen. */
function useToken(): string | null {
    const [{ pathname, search }, navigate] = [useLocation(), useNavigate()];
    const [token, setToken] = useState<string | null>(null);
    const given = new URLSearchParams(search).get('token');
    useEffect(() => {
        if (given === null) return;
        setToken(given);
        navigate(pathname, { replace: true });
    }, [given, navigate, pathname]);
    return given ?? token;
}

const Inputs = ({ token, done }: { token: string; done: () => void }) => {
    const [translate, inWords] = [useTranslate(), useRefusalInWords()];
    const [refusal, setRefusal] = useState<string | null>(null);
    const submit = async ({ password = '' }: NewPassword) => {
        setRefusal(null);
        try {
            await client.setPassword(token, password);
        } catch (error) {
            const found = error instanceof Refusal ? atPassword(error.findings) : undefined;
            if (found !== undefined) return found;
            const ended = error instanceof Refusal && error.code === 'bad_credentials';
            setRefusal(ended ? translate('karana.account.password.link_ended') : inWords(error));
            return;
        }
        done();
    };
    return (
        <Form onSubmit={submit} disableInvalidFormNotification warnWhenUnsavedChanges>
            {refusal !== null && <Alert severity="error" sx={{ mb: 2 }}>{refusal}</Alert>}
            <NewPasswordInputs />
            <Button type="submit" variant="contained" fullWidth>{translate('karana.account.password.set')}</Button>
        </Form>
    );
};

/** Where a link for a forgotten password leads. */
export const PasswordPage = () => {
    const [translate, token] = [useTranslate(), useToken()];
    const [done, setDone] = useState(false);
    return (
        <Entrance title="karana.account.password.set_title">
            {done ? (
                <Stack sx={{ gap: 2 }}>
                    <Alert severity="success">{translate('karana.account.password.set_done')}</Alert>
                    <Button component={Link} to="/login" variant="contained">{translate('karana.account.password.to_sign_in')}</Button>
                </Stack>
            ) : token === null ? (
                <Alert severity="info">{translate('karana.account.password.no_token')}</Alert>
            ) : (
                <Inputs token={token} done={() => setDone(true)} />
            )}
        </Entrance>
    );
};
