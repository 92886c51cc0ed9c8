import Alert from '@mui/material/Alert';
import { Labeled, NumberField, useRecordContext, useTranslate } from 'react-admin';
import { SyncState } from '../../components/SyncState';
import { Time, TimeField } from '../../components/Time';
import { Connection } from '../../components/states';
import Stack from '@mui/material/Stack';
import { LastSeen } from './LastSeen';
import type { Karana } from './karana';

/** What is known of a karana beside its fields, as of the last look. */
export const LiveState = () => {
    const [translate, karana] = [useTranslate(), useRecordContext<Karana>()];
    const status = karana?.status;
    if (status === undefined) return null;
    return (
        <Stack spacing={1.5} sx={{ alignItems: 'flex-start' }}>
            {status.handover && <HandoverState />}
            <Labeled label="resources.karanas.fields.connection">
                <Connection />
            </Labeled>
            <Labeled label="resources.karanas.fields.last_seen">
                <LastSeen />
            </Labeled>
            <Labeled label="resources.karanas.fields.posts_per_hour">
                <NumberField source="status.posts_per_hour" />
            </Labeled>
            {status.clock_ahead && <Alert severity="warning">{translate('karana.fleet.now.clock_ahead')}</Alert>}
            <Labeled label="karana.fleet.sync.title">
                <SyncState />
            </Labeled>
            <Labeled label="karana.fleet.now.checked_at">
                <TimeField source="status.checked_at" empty={translate('karana.never')} />
            </Labeled>
        </Stack>
    );
};

const HandoverState = () => {
    const [translate, handover] = [useTranslate(), useRecordContext<Karana>()?.status?.handover];
    if (handover === undefined) return null;
    return (
        <Alert severity="info" sx={{ width: '100%' }}>
            <strong>{translate('karana.fleet.handover.under_way')}</strong>
            <div>{translate(`karana.fleet.handover.${handover.step}`)}</div>
            {handover.tries > 0 && <div>{translate('karana.fleet.handover.tries', { smart_count: handover.tries })}</div>}
            <div>
                {translate('karana.fleet.handover.begun')} <Time at={handover.begun} />
            </div>
        </Alert>
    );
};
