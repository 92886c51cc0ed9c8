import Alert from '@mui/material/Alert';
import Button from '@mui/material/Button';
import Typography from '@mui/material/Typography';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { Form, PasswordInput, required, useNotify, useTranslate } from 'react-admin';
import { client } from '../../api';
import type { Me } from '../../authProvider';
import { useUnsaved } from '../../components/unsaved';
import { Refusal } from '../../client';
import { asError } from '../../findings';
import { useRefusalInWords } from '../../frame/refusal';
import { type NewPassword, NewPasswordInputs, atPassword } from './passwords';

/** Whoever finds the page open has the session, but not the password: that is asked for. */
async function change(me: Me, current: string, next: string): Promise<void> {
    const path = `/v2/users/${me.uuid}`;
    const { credentials } = (await client.request(path)).body as unknown as { credentials?: { login?: string } };
    const login = credentials?.login ?? me.email;
    await client.signIn(login, current);
    await client.request(path, { method: 'PATCH', body: { credentials: { password: next } } });
    // A change of the password ends all sessions.
    await client.signIn(login, next);
    client.ended.set(false);
}

export const ChangePassword = ({ me }: { me: Me }) => {
    const [translate, notify, inWords, queries] = [useTranslate(), useNotify(), useRefusalInWords(), useQueryClient()];
    const [refusal, setRefusal] = useState<string | null>(null);
    // Another form for another time.
    const [unsaved, [times, setTimes]] = [useUnsaved(), useState(0)];
    const submit = async ({ current = '', password = '' }: NewPassword & { current?: string }) => {
        setRefusal(null);
        try {
            await change(me, current, password);
        } catch (error) {
            if (error instanceof Refusal && error.code === 'bad_credentials') return { current: asError(error) };
            const found = error instanceof Refusal ? atPassword(error.findings) : undefined;
            if (found === undefined) setRefusal(inWords(error));
            return found;
        }
        notify('karana.account.password.changed', { type: 'success' });
        setTimes(times + 1);
        await queries.invalidateQueries({ queryKey: ['/v2/sessions'] });
    };
    return (
        <Form key={times} onSubmit={submit} disableInvalidFormNotification {...unsaved}>
            {/* For those who keep passwords. */}
            <input hidden autoComplete="username" value={me.email} readOnly />
            {refusal !== null && <Alert severity="error" sx={{ mb: 1 }}>{refusal}</Alert>}
            <PasswordInput
                source="current" label="karana.account.password.current" autoComplete="current-password" validate={required()}
                helperText={false}
            />
            <NewPasswordInputs />
            <Typography variant="body2" color="textSecondary" sx={{ mb: 1 }}>{translate('karana.account.password.ends')}</Typography>
            <Button type="submit" variant="contained">{translate('karana.account.password.change')}</Button>
        </Form>
    );
};
