import ComputerIcon from '@mui/icons-material/Computer';
import Alert from '@mui/material/Alert';
import Button from '@mui/material/Button';
import Chip from '@mui/material/Chip';
import List from '@mui/material/List';
import ListItem from '@mui/material/ListItem';
import ListItemIcon from '@mui/material/ListItemIcon';
import ListItemText from '@mui/material/ListItemText';
import Stack from '@mui/material/Stack';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { Confirm, useLogout, useNotify, useTranslate } from 'react-admin';
import { client, useAnswer } from '../../api';
import { Time } from '../../components/Time';
import { useRefusalInWords } from '../../frame/refusal';
import { device } from './device';

interface Session {
    id: string;
    started_at: string;
    used_at: string;
    user_agent: string;
    address: string | null;
    current: boolean;
}

const PATH = '/v2/sessions';

const useDeviceInWords = () => {
    const translate = useTranslate();
    return ({ user_agent }: Session) => {
        const { browser, system } = device(user_agent);
        if (browser === '') return translate('karana.account.sessions.unknown_device');
        return system === undefined ? browser : translate('karana.account.sessions.device', { browser, system });
    };
};

const Row = ({ session, end }: { session: Session; end: (ids: string[]) => void }) => {
    const [translate, inWords] = [useTranslate(), useDeviceInWords()];
    const name = inWords(session);
    return (
        <ListItem disableGutters divider>
            <ListItemIcon sx={{ minWidth: 40 }}><ComputerIcon /></ListItemIcon>
            <ListItemText
                primary={
                    <>
                        {name}{' '}
                        {session.current && <Chip size="small" color="primary" label={translate('karana.account.sessions.current')} />}
                    </>
                }
                secondary={
                    <>
                        {session.address !== null &&
                            `${translate('karana.account.sessions.address', { address: session.address })} · `}
                        {translate('karana.account.sessions.started')} <Time at={session.started_at} /> ·{' '}
                        {translate('karana.account.sessions.used')} <Time at={session.used_at} />
                    </>
                }
            />
            {!session.current && (
                <Button aria-label={translate('karana.account.sessions.end_of', { device: name })} onClick={() => end([session.id])}>
                    {translate('karana.account.sessions.end')}
                </Button>
            )}
        </ListItem>
    );
};

/** Where one is signed in, and ends that. */
export const Sessions = () => {
    const [translate, notify, inWords, logout] = [useTranslate(), useNotify(), useRefusalInWords(), useLogout()];
    const queries = useQueryClient();
    const [sure, setSure] = useState(false);
    const { data, error } = useAnswer<{ items: Session[] }>(PATH);
    const { mutate: end, isPending } = useMutation({
        mutationFn: async (ids: string[]) => {
            for (const id of ids) await client.request(`${PATH}/${id}`, { method: 'DELETE' });
        },
        onSuccess: () => notify('karana.account.sessions.ended'),
        onError: reason => notify(inWords(reason), { type: 'error' }),
        onSettled: () => queries.invalidateQueries({ queryKey: [PATH] }),
    });
    const endAll = async () => {
        setSure(false);
        try {
            await client.signOutEverywhere();
            await logout({}, undefined, false);
        } catch (reason) {
            notify(inWords(reason), { type: 'error' });
        }
    };
    if (error) return <Alert severity="error">{inWords(error)}</Alert>;
    const others = data?.items.filter(({ current }) => !current).map(({ id }) => id) ?? [];
    return (
        <>
            <List disablePadding>
                {data?.items.map(session => <Row key={session.id} session={session} end={end} />)}
            </List>
            <Stack direction="row" sx={{ gap: 1, mt: 2, flexWrap: 'wrap' }}>
                <Button variant="outlined" disabled={others.length === 0 || isPending} onClick={() => end(others)}>
                    {translate('karana.account.sessions.end_others')}
                </Button>
                <Button variant="outlined" color="error" onClick={() => setSure(true)}>
                    {translate('karana.account.sessions.end_all')}
                </Button>
            </Stack>
            <Confirm
                isOpen={sure} title="karana.account.sessions.end_all" content="karana.account.sessions.end_all_sure"
                onConfirm={() => void endAll()} onClose={() => setSure(false)}
            />
        </>
    );
};
