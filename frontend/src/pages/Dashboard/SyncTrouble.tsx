import Alert from '@mui/material/Alert';
import Button from '@mui/material/Button';
import List from '@mui/material/List';
import ListItem from '@mui/material/ListItem';
import Typography from '@mui/material/Typography';
import { useTranslate } from 'react-admin';
import { Link } from 'react-router-dom';
import { useAnswer } from '../../api';
import { RecordLink } from '../../components/RecordLink';
import { Refused } from '../../components/Refused';
import { Section } from '../../components/Section';
import { Time } from '../../components/Time';
import { useCounted } from '../../components/useCounted';
import { type Overview, backEndName, count, reasons } from '../sync/standing';

const SHOWN = 5;

/** What is not at the back ends as the records ask for, and why. */
export const SyncTrouble = () => {
    const [translate, counted] = [useTranslate(), useCounted()];
    const { data, error, refetch } = useAnswer<Overview>(`/v2/sync?state=failed&limit=${SHOWN}`, {
        key: ['changes', 'sync', 'failed'], refetchInterval: 30_000,
    });
    const [failed, pending] = data === undefined ? [0, 0] : [count(data, 'failed'), count(data, 'pending')];
    const away = Object.entries(data?.backends ?? {}).filter(([, { state }]) => state === 'unreachable' || state === 'faulty');
    return (
        <Section
            title="karana.frame.sync"
            actions={<Button component={Link} to="/sync">{translate('karana.operations.dashboard.details')}</Button>}
        >
            {error && <Refused error={error} onRetry={() => void refetch()} />}
            {away.map(([id, { reason, next_try }]) => (
                <Alert key={id} severity="error" sx={{ mb: 1 }}>
                    {backEndName(id)}: {reason}
                    {next_try !== undefined && <> ({translate('karana.operations.sync.next_try')}: <Time at={next_try} />)</>}
                </Alert>
            ))}
            {data !== undefined && (
                <Typography>
                    {failed + pending === 0
                        ? translate('karana.operations.dashboard.all_synced')
                        : [
                            failed > 0 && counted('karana.operations.dashboard.failed', failed),
                            pending > 0 && counted('karana.operations.dashboard.pending', pending),
                        ].filter(Boolean).join(' ')}
                </Typography>
            )}
            <List disablePadding>
                {data?.items.map(item => (
                    <ListItem key={item.uuid} divider disableGutters sx={{ display: 'block', overflowWrap: 'anywhere' }}>
                        <RecordLink resource={item.resource} uuid={item.uuid} />
                        {reasons(item).map(({ backend, reason, nextTry }) => (
                            <Typography key={backend} variant="body2">
                                {backEndName(backend)}: {reason}
                                {nextTry !== undefined && (
                                    <> ({translate('karana.operations.sync.next_try')}: <Time at={nextTry} />)</>
                                )}
                            </Typography>
                        ))}
                    </ListItem>
                ))}
            </List>
        </Section>
    );
};
