import Chip from '@mui/material/Chip';
import Typography from '@mui/material/Typography';
import { useRecordContext, useTranslate } from 'react-admin';
import { Time } from './Time';

/** How a record stands with the back ends: `status.sync`. */
export interface Sync {
    state: 'synced' | 'pending' | 'failed';
    at?: string;
    next_try?: string;
    /** For those who may sync. */
    reason?: string;
    unpaid_since?: string;
}

const COLOURS = { synced: 'success', pending: 'default', failed: 'error' } as const;

/** In a word. */
export const SyncChip = () => {
    const translate = useTranslate();
    const sync = useRecordContext()?.status?.sync as Sync | null | undefined;
    if (sync === undefined) return null;
    if (sync === null) return <>–</>;
    return <Chip size="small" variant="outlined" color={COLOURS[sync.state]} label={translate(`karana.fleet.sync.${sync.state}`)} />;
};

/** With since when, and why not. */
export const SyncState = (_: { label?: string }) => {
    const translate = useTranslate();
    const sync = useRecordContext()?.status?.sync as Sync | null | undefined;
    if (sync === undefined) return null;
    if (sync === null) return <Typography variant="body2">{translate('karana.fleet.sync.none')}</Typography>;
    return (
        <Typography variant="body2" component="div">
            <SyncChip />
            {sync.at && <> {translate('karana.fleet.sync.since')} <Time at={sync.at} /></>}
            {sync.next_try && <> {translate('karana.fleet.sync.next_try')} <Time at={sync.next_try} /></>}
            {sync.reason && <div>{sync.reason}</div>}
            {sync.unpaid_since && <div>{translate('karana.fleet.sync.unpaid')} <Time at={sync.unpaid_since} /></div>}
        </Typography>
    );
};
