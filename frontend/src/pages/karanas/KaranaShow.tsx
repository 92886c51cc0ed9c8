import HistoryIcon from '@mui/icons-material/History';
import Box from '@mui/material/Box';
import { Button, EditButton, NumberField, Show, SimpleShowLayout, TextField, TopToolbar, useRecordContext } from 'react-admin';
import { Link } from 'react-router-dom';
import { useStanding } from '../../api';
import { abilities } from '../../authProvider';
import { Absent } from '../../components/Absent';
import { DeleteRecord } from '../../components/DeleteRecord';
import { Section } from '../../components/Section';
import { TimeField } from '../../components/Time';
import { LIVE, OneOf } from '../../components/states';
import { DeviceSection } from './DeviceSection';
import { HandoverButton } from './HandoverDialog';
import { LiveState } from './LiveState';
import { Measurements } from './Measurements';
import type { Karana } from './karana';
import { OwnerField } from './owner';

const Actions = () => {
    const [karana, standing] = [useRecordContext<Karana>(), useStanding()];
    if (karana === undefined) return null;
    const may = abilities(standing, 'karanas')?.update;
    return (
        <TopToolbar sx={{ flexWrap: 'wrap' }}>
            {may === true && <HandoverButton deed="move" />}
            {(may === true || (Array.isArray(may) && may.includes('config'))) && <HandoverButton deed="rotate" />}
            <Button component={Link} to={`/karanas/${karana.id}/history`} label="karana.frame.history">
                <HistoryIcon />
            </Button>
            <EditButton />
            <DeleteRecord />
        </TopToolbar>
    );
};

const Fields = () => (
    <SimpleShowLayout sx={{ p: 0 }}>
        <TextField source="name" />
        <OwnerField source="owner" most="100%" />
        <OneOf of="state" source="state" />
        <TextField source="kid" emptyText="–" />
        <TextField source="note" emptyText="–" sx={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }} />
        <TextField source="config.series" />
        <NumberField source="config.signal" />
        <NumberField source="config.post_int" />
        <NumberField source="config.get_int" />
        <TimeField source="created_at" />
    </SimpleShowLayout>
);

// The error is shown in its place; nobody is sent away.
const ASKED = { ...LIVE, onError: () => {} };

export const KaranaShow = () => (
    <Show queryOptions={ASKED} component="div" actions={<Actions />} error={<Absent />} sx={{ '& .RaShow-card': { minWidth: 0 } }}>
        <Box sx={{ display: 'grid', gap: 2, gridTemplateColumns: { xs: 'minmax(0, 1fr)', md: 'repeat(2, minmax(0, 1fr))' } }}>
            <Section title="karana.fleet.now.title">
                <LiveState />
            </Section>
            <Section title="karana.fleet.measured.title">
                <Measurements />
            </Section>
            <Section title="karana.fleet.fields">
                <Fields />
            </Section>
            <Section title="karana.fleet.device.title">
                <DeviceSection />
            </Section>
        </Box>
    </Show>
);
