import SyncIcon from '@mui/icons-material/Sync';
import Box from '@mui/material/Box';
import Button from '@mui/material/Button';
import IconButton from '@mui/material/IconButton';
import List from '@mui/material/List';
import ListItem from '@mui/material/ListItem';
import ToggleButton from '@mui/material/ToggleButton';
import ToggleButtonGroup from '@mui/material/ToggleButtonGroup';
import Tooltip from '@mui/material/Tooltip';
import Typography from '@mui/material/Typography';
import { useState } from 'react';
import { useGetResourceLabel, useLocale, useTranslate } from 'react-admin';
import { useAnswer } from '../../api';
import { ProgressBar } from '../../components/ProgressBar';
import { RecordLink } from '../../components/RecordLink';
import { Refused } from '../../components/Refused';
import { Section } from '../../components/Section';
import { StateChip } from '../../components/StateChip';
import { Time } from '../../components/Time';
import { type Item, type Overview, STATES, type State, backEndName, count, reasons } from './standing';
import type { Scope } from './useRun';

const PER_PAGE = 10;
const KINDS = { failed: 'bad', pending: 'waiting', synced: 'good' } as const;

interface Props {
    overview: Overview;
    state: State | null;
    onState: (state: State | null) => void;
    isRunning: boolean;
    onSync: (scope: Scope) => void;
}

/** The records by how they stand, with why something failed. */
export const Records = ({ overview, state, onState, isRunning, onSync }: Props) => {
    const translate = useTranslate();
    const number = new Intl.NumberFormat(useLocale());
    // The cursors of the pages until this one.
    const [places, setPlaces] = useState<string[]>([]);
    const query = new URLSearchParams({ limit: String(PER_PAGE) });
    if (state !== null) query.set('state', state);
    const after = places.at(-1);
    if (after !== undefined) query.set('after', after);
    const { data, error, refetch } = useAnswer<Overview>(`/v2/sync?${query}`, {
        key: ['changes', 'sync', String(query)], refetchInterval: 10_000,
    });
    const choose = (chosen: State | null) => {
        setPlaces([]);
        onState(chosen);
    };
    return (
        <Section title="karana.operations.sync.records">
            <ToggleButtonGroup
                exclusive size="small" value={state} onChange={(_, chosen: State | null) => choose(chosen)}
                aria-label={translate('karana.operations.sync.filter')} sx={{ flexWrap: 'wrap', mb: 1 }}
            >
                {STATES.map(one => (
                    <ToggleButton key={one} value={one}>
                        {translate(`karana.operations.sync.state.${one}`)} ({number.format(count(overview, one))})
                    </ToggleButton>
                ))}
            </ToggleButtonGroup>
            {error && <Refused error={error} onRetry={() => void refetch()} />}
            {data === undefined && !error && <ProgressBar label={translate('ra.page.loading')} done={0} total={0} />}
            {data?.items.length === 0 && <Typography>{translate('karana.operations.sync.none')}</Typography>}
            <List disablePadding>
                {data?.items.map(item => (
                    <Line key={`${item.resource}/${item.uuid}`} item={item} isRunning={isRunning} onSync={onSync} />
                ))}
            </List>
            {data !== undefined && (places.length > 0 || data.next !== null) && (
                <Box sx={{ display: 'flex', gap: 1, justifyContent: 'flex-end' }}>
                    <Button disabled={places.length === 0} onClick={() => setPlaces(places.slice(0, -1))}>
                        {translate('ra.navigation.previous')}
                    </Button>
                    <Button disabled={data.next === null} onClick={() => data.next !== null && setPlaces([...places, data.next])}>
                        {translate('ra.navigation.next')}
                    </Button>
                </Box>
            )}
        </Section>
    );
};

const Line = ({ item, isRunning, onSync }: { item: Item; isRunning: boolean; onSync: (scope: Scope) => void }) => {
    const [translate, labelOf] = [useTranslate(), useGetResourceLabel()];
    const { resource, uuid, state, at, unpaid_since } = item;
    const label = translate('karana.operations.sync.one');
    return (
        <ListItem
            divider disableGutters sx={{ display: 'grid', gap: 1, gridTemplateColumns: { xs: '1fr auto', sm: '2fr 1fr 3fr auto' } }}
        >
            <Box sx={{ overflowWrap: 'anywhere' }}>
                <RecordLink resource={resource} uuid={uuid} /> <small>{labelOf(resource, 1)}</small>
            </Box>
            <Box sx={{ gridColumn: { xs: 1, sm: 'auto' } }}>
                <StateChip kind={KINDS[state]} label={translate(`karana.operations.sync.state.${state}`)} />
            </Box>
            <Box sx={{ gridColumn: { xs: 1, sm: 'auto' }, typography: 'body2', overflowWrap: 'anywhere' }}>
                {state === 'synced' && <Time at={at} />}
                {reasons(item).map(({ backend, reason, nextTry }) => (
                    <div key={backend}>
                        {backEndName(backend)}: {reason}
                        {nextTry !== undefined && <> ({translate('karana.operations.sync.next_try')}: <Time at={nextTry} />)</>}
                    </div>
                ))}
                {unpaid_since !== undefined && (
                    <div>{translate('karana.operations.sync.unpaid')} <Time at={unpaid_since} /></div>
                )}
            </Box>
            <Tooltip title={label}>
                <Box component="span" sx={{ gridRow: 1, gridColumn: { xs: 2, sm: 4 } }}>
                    <IconButton aria-label={label} disabled={isRunning} onClick={() => onSync({ resource, id: uuid })}>
                        <SyncIcon />
                    </IconButton>
                </Box>
            </Tooltip>
        </ListItem>
    );
};
