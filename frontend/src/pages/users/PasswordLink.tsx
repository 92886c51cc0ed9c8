import LinkIcon from '@mui/icons-material/Link';
import Alert from '@mui/material/Alert';
import MuiButton from '@mui/material/Button';
import Dialog from '@mui/material/Dialog';
import DialogActions from '@mui/material/DialogActions';
import DialogContent from '@mui/material/DialogContent';
import DialogTitle from '@mui/material/DialogTitle';
import Stack from '@mui/material/Stack';
import Typography from '@mui/material/Typography';
import { useMutation } from '@tanstack/react-query';
import { useId, useState } from 'react';
import { Button, Labeled, useRecordContext, useTranslate } from 'react-admin';
import { useLocation } from 'react-router-dom';
import { client } from '../../api';
import { Copyable } from '../../components/Secret';
import { Time } from '../../components/Time';
import { translated } from '../../dataProvider';
import { type User, absolute } from './user';

interface PasswordLink {
    url: string;
    expires_at: string;
}

/** Open at once for an owner who has just been made without a password. */
export const PasswordLinkButton = () => {
    const [user, location] = [useRecordContext<User>(), useLocation()];
    const [isOpen, setOpen] = useState((location.state as { link?: boolean } | null)?.link === true);
    if (user === undefined) return null;
    return (
        <>
            <Button label="karana.fleet.owner.link.action" onClick={() => setOpen(true)}>
                <LinkIcon />
            </Button>
            {isOpen && <LinkDialog user={user} onClose={() => setOpen(false)} />}
        </>
    );
};

const LinkDialog = ({ user, onClose }: { user: User; onClose: () => void }) => {
    const [translate, title] = [useTranslate(), useId()];
    const { mutate, data, error, isPending } = useMutation({
        // The link is a secret: it stays no longer than it is shown.
        gcTime: 0,
        mutationFn: async () => {
            const { body } = await client.request(`/v2/users/${user.id}/password-link`, { method: 'POST' });
            return body as unknown as PasswordLink;
        },
    });
    const word = (name: string) => translate(`karana.fleet.owner.link.${name}`, { name: user.name || user.email });
    const refusal = error === null ? undefined : (translated(error) as Error).message;
    return (
        <Dialog open onClose={onClose} aria-labelledby={title} fullWidth>
            <DialogTitle id={title}>{word('title')}</DialogTitle>
            <DialogContent>
                <Stack spacing={1.5}>
                    <Typography variant="body2">{word('content')}</Typography>
                    {data !== undefined && (
                        <>
                            <Copyable label={word('url')} text={absolute(data.url, window.location.origin)} />
                            <Labeled label={word('until')}>
                                <Time at={data.expires_at} />
                            </Labeled>
                        </>
                    )}
                    {refusal !== undefined && <Alert severity="error">{translate(refusal, { _: refusal })}</Alert>}
                </Stack>
            </DialogContent>
            <DialogActions>
                <MuiButton onClick={onClose}>{translate('ra.action.close')}</MuiButton>
                {data === undefined && (
                    <MuiButton onClick={() => mutate()} disabled={isPending} autoFocus>
                        {word('make')}
                    </MuiButton>
                )}
            </DialogActions>
        </Dialog>
    );
};
