import Box from '@mui/material/Box';
import Button from '@mui/material/Button';
import List from '@mui/material/List';
import ListItem from '@mui/material/ListItem';
import Typography from '@mui/material/Typography';
import { useQueryClient } from '@tanstack/react-query';
import { useLocale, useNotify, useTranslate } from 'react-admin';
import { client, useAnswer, useStanding } from '../../api';
import { RecordLink } from '../../components/RecordLink';
import { Refused } from '../../components/Refused';
import { Section } from '../../components/Section';
import { StateChip } from '../../components/StateChip';
import { Time } from '../../components/Time';
import { useCounted } from '../../components/useCounted';
import { type Delivery, type Destination, isInTrouble } from './webhooks';

const KINDS = { pending: 'waiting', delivered: 'good', given_up: 'bad' } as const;
const OFTEN = 10_000;

/** Other servers that are told what happens, and what has become of the latest events. */
export const Webhooks = () => {
    const [translate, notify, standing, queries] = [useTranslate(), useNotify(), useStanding(), useQueryClient()];
    const { data, error, refetch } = useAnswer<{ destinations: Destination[]; events: string[] }>('/v2/webhooks', {
        key: ['webhooks'], refetchInterval: OFTEN,
    });
    const destinations = data?.destinations ?? [];
    const test = async () => {
        try {
            await client.request('/v2/webhooks/test', { method: 'POST' });
            notify('karana.operations.webhooks.tested');
            void queries.invalidateQueries({ queryKey: ['webhooks'] });
        } catch (refused) {
            notify((refused as Error).message, { type: 'error' });
        }
    };
    return (
        <Section
            title="karana.operations.webhooks.title"
            actions={
                destinations.length > 0 && standing?.me.role === 'admin' && (
                    <Button variant="outlined" onClick={() => void test()}>
                        {translate('karana.operations.webhooks.test')}
                    </Button>
                )
            }
        >
            {error && <Refused error={error} onRetry={() => void refetch()} />}
            {data !== undefined && destinations.length === 0 && (
                <Typography>{translate('karana.operations.webhooks.none')}</Typography>
            )}
            {data !== undefined && data.events.length > 0 && (
                <Typography variant="body2">
                    {translate('karana.operations.webhooks.events')}: {data.events.join(', ')}
                </Typography>
            )}
            <List disablePadding>
                {destinations.map(destination => (
                    <DestinationLine key={destination.id} destination={destination} />
                ))}
            </List>
            {destinations.length > 0 && <Deliveries destinations={destinations} />}
        </Section>
    );
};

const DestinationLine = ({ destination }: { destination: Destination }) => {
    const translate = useTranslate();
    const number = new Intl.NumberFormat(useLocale());
    const { url, queue_length, last_delivery, last_failure, next_try, counts } = destination;
    const isBad = isInTrouble(destination);
    const word = isBad ? 'trouble' : 'fine';
    return (
        <ListItem divider disableGutters sx={{ display: 'block', overflowWrap: 'anywhere' }}>
            <Box sx={{ display: 'flex', flexWrap: 'wrap', gap: 1, alignItems: 'center' }}>
                <strong>{url}</strong>
                <StateChip kind={isBad ? 'bad' : 'good'} label={translate(`karana.operations.webhooks.${word}`)} />
            </Box>
            <Box sx={{ typography: 'body2' }}>
                <div>
                    {translate('karana.operations.webhooks.counts', {
                        waiting: number.format(queue_length), delivered: number.format(counts.delivered),
                        given_up: number.format(counts.given_up), dropped: number.format(counts.dropped),
                    })}
                </div>
                {last_delivery && (
                    <div>
                        {translate('karana.operations.webhooks.last_delivery')}: <Time at={last_delivery.at} /> ({last_delivery.status})
                    </div>
                )}
                {last_failure && (
                    <div>
                        {translate('karana.operations.webhooks.last_failure')}: <Time at={last_failure.at} /> – {last_failure.reason}
                    </div>
                )}
                {next_try && <div>{translate('karana.operations.sync.next_try')}: <Time at={next_try} /></div>}
            </Box>
        </ListItem>
    );
};

const Deliveries = ({ destinations }: { destinations: Destination[] }) => {
    const [translate, counted] = [useTranslate(), useCounted()];
    const { data, error, refetch } = useAnswer<{ items: Delivery[] }>('/v2/webhooks/deliveries?limit=10', {
        key: ['webhooks', 'deliveries'], refetchInterval: OFTEN,
    });
    const addresses = new Map(destinations.map(({ id, url }) => [id, url]));
    return (
        <>
            <Typography variant="subtitle1" component="h3" sx={{ mt: 2 }}>
                {translate('karana.operations.webhooks.deliveries')}
            </Typography>
            {error && <Refused error={error} onRetry={() => void refetch()} />}
            {data?.items.length === 0 && <Typography>{translate('karana.operations.webhooks.no_deliveries')}</Typography>}
            <List disablePadding>
                {data?.items.map(({ id, destination, type, record, state, attempts, created_at, reason, next_try }) => {
                    const [resource, uuid] = record?.split('/') ?? [];
                    return (
                        <ListItem
                            key={`${id} ${destination}`} divider disableGutters
                            sx={{ gap: 1, flexWrap: 'wrap', typography: 'body2', overflowWrap: 'anywhere' }}
                        >
                            <StateChip kind={KINDS[state]} label={translate(`karana.operations.webhooks.state.${state}`)} />
                            <strong>{type}</strong>
                            {resource !== undefined && uuid !== undefined && <RecordLink resource={resource} uuid={uuid} />}
                            <Time at={created_at} />
                            {destinations.length > 1 && <span>{addresses.get(destination)}</span>}
                            <span>{counted('karana.operations.webhooks.attempts', attempts)}</span>
                            {state !== 'delivered' && reason && <span>{reason}</span>}
                            {next_try && <span>{translate('karana.operations.sync.next_try')}: <Time at={next_try} /></span>}
                        </ListItem>
                    );
                })}
            </List>
        </>
    );
};
