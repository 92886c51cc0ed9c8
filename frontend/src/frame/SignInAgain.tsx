import Button from '@mui/material/Button';
import Dialog from '@mui/material/Dialog';
import DialogContent from '@mui/material/DialogContent';
import DialogContentText from '@mui/material/DialogContentText';
import DialogTitle from '@mui/material/DialogTitle';
import { useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect } from 'react';
import { flushSync } from 'react-dom';
import { useLogout, useTranslate } from 'react-admin';
import { client, useStanding } from '../api';
import type { Me } from '../authProvider';
import { useFlag } from './flag';
import { SignInForm } from './SignInForm';

/**
 * A session that has ended while somebody works takes nothing from the page: they sign in above it, and the calls that
 * have waited are made. Who signs out in one tab is signed out in all.
 */
export const SignInAgain = () => {
    const [translate, logout, queries] = [useTranslate(), useLogout(), useQueryClient()];
    const [ended, me] = [useFlag(client.ended), useStanding()?.me];

    const goOn = useCallback(async () => {
        const { uuid } = (await client.request('/v2/me')).body as unknown as Me;
        if (uuid !== me?.uuid) {
            // What is shown is not for somebody else, and the calls that wait are not theirs. At once: a form would hold them up.
            flushSync(() => client.forget());
            window.location.reload();
            return;
        }
        client.ended.set(false);
        await queries.invalidateQueries({ queryKey: ['auth'] });
    }, [me?.uuid, queries]);

    useEffect(
        () =>
            client.tabs.listen(news => {
                if (news === 'out') {
                    client.forget();
                    void logout();
                } else if (client.ended.get()) {
                    client.renew().then(renewed => (renewed ? goOn() : undefined), () => {});
                }
            }),
        [goOn, logout],
    );

    return (
        <Dialog
            open={ended} fullWidth maxWidth="xs" aria-labelledby="sign-in-again"
            slotProps={{ backdrop: { sx: { backdropFilter: 'blur(6px)' } } }}
        >
            <DialogTitle id="sign-in-again">{translate('karana.frame.ended')}</DialogTitle>
            <DialogContent>
                <DialogContentText sx={{ mb: 2 }}>{translate('karana.frame.again')}</DialogContentText>
                <SignInForm
                    user={me?.email}
                    signIn={async (user, password) => {
                        await client.signIn(user, password);
                        await goOn();
                    }}
                >
                    <Button fullWidth onClick={() => void logout()}>{translate('ra.auth.logout')}</Button>
                </SignInForm>
            </DialogContent>
        </Dialog>
    );
};
