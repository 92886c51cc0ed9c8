import HistoryIcon from '@mui/icons-material/History';
import AddIcon from '@mui/icons-material/Add';
import OpenIcon from '@mui/icons-material/OpenInNew';
import Box from '@mui/material/Box';
import MuiButton from '@mui/material/Button';
import Link from '@mui/material/Link';
import Stack from '@mui/material/Stack';
import Typography from '@mui/material/Typography';
import {
    Button, EditButton, EmailField, Labeled, Pagination, ReferenceManyField, Show, SimpleList, SimpleShowLayout, TextField,
    TopToolbar, useCanAccess, useRecordContext, useTranslate,
} from 'react-admin';
import { Link as RouterLink } from 'react-router-dom';
import { useStanding } from '../../api';
import { Aside } from '../../components/Aside';
import { Absent } from '../../components/Absent';
import { BESIDE, CutName } from '../../components/Cut';
import { DeleteRecord } from '../../components/DeleteRecord';
import { Copyable, Secret } from '../../components/Secret';
import { Section } from '../../components/Section';
import { SyncState } from '../../components/SyncState';
import { TimeField } from '../../components/Time';
import { Connection, LIVE, OneOf } from '../../components/states';
import { isWhole } from '../../dataProvider';
import { LastSeen } from '../karanas/LastSeen';
import { PasswordLinkButton } from './PasswordLink';
import { RotateButton } from './RotateButton';
import { changeable, isInCharge } from './changeable';
import type { User } from './user';

const Actions = () => {
    const [user, standing] = [useRecordContext<User>(), useStanding()];
    if (user === undefined || standing === undefined) return null;
    const [may, inCharge] = [changeable(standing, user).length > 0, isInCharge(standing, user)];
    return (
        <TopToolbar sx={{ flexWrap: 'wrap' }}>
            {inCharge && <PasswordLinkButton />}
            {may && <RotateButton />}
            <Button component={RouterLink} to={`/users/${user.id}/history`} label="karana.frame.history">
                <HistoryIcon />
            </Button>
            {may && <EditButton />}
            {inCharge && <DeleteRecord />}
        </TopToolbar>
    );
};

const Fields = () => (
    <SimpleShowLayout sx={{ p: 0 }}>
        <TextField source="name" emptyText="–" />
        <EmailField source="email" sx={{ overflowWrap: 'anywhere' }} />
        <OneOf of="role" source="role" />
        <OneOf of="state" source="state" />
        <TimeField source="created_at" />
        <SyncState label="karana.fleet.sync.title" />
    </SimpleShowLayout>
);

const Karanas = () => {
    const [translate, user] = [useTranslate(), useRecordContext<User>()];
    const { canAccess } = useCanAccess({ resource: 'karanas', action: 'create' });
    return (
        <>
            <ReferenceManyField
                reference="karanas" target="owner" sort={{ field: 'name', order: 'ASC' }} perPage={10} pagination={<Pagination rowsPerPageOptions={[10]} />}
                queryOptions={LIVE}
            >
                <SimpleList
                    rowClick="show" primaryText={<CutName most={BESIDE} />} secondaryText={<LastSeen />} tertiaryText={<Aside><Connection /></Aside>}
                    empty={<Typography variant="body2">{translate('karana.fleet.owner.no_karanas')}</Typography>}
                />
            </ReferenceManyField>
            {canAccess && user !== undefined && (
                <MuiButton
                    component={RouterLink} startIcon={<AddIcon />}
                    to={`/karanas/create?source=${encodeURIComponent(JSON.stringify({ owner: user.id }))}`}
                >
                    {translate('karana.fleet.owner.new_karana')}
                </MuiButton>
            )}
        </>
    );
};

const Credentials = () => {
    const [translate, user, standing] = [useTranslate(), useRecordContext<User>(), useStanding()];
    if (user === undefined) return null;
    const word = (name: string) => translate(`karana.fleet.owner.${name}`);
    const { password_influx: influx, password_grafana: grafana } = user;
    return (
        <Stack spacing={1.5} sx={{ alignItems: 'flex-start' }}>
            <Copyable label={word('database')} text={user.id} />
            {influx !== undefined && (
                <Labeled label={word('influxdb')}>
                    <Secret value={influx} label={word('influxdb')} />
                </Labeled>
            )}
            {standing?.grafana && (
                <>
                    <Copyable label={word('grafana_login')} text={user.email} />
                    {grafana !== undefined && (
                        <Labeled label={word('grafana')}>
                            <Secret value={grafana} label={word('grafana')} />
                        </Labeled>
                    )}
                </>
            )}
            {isWhole(user) && influx === undefined && grafana === undefined && (
                <Typography variant="body2">{word('no_secrets')}</Typography>
            )}
            {standing?.grafana && (
                <Link href={standing.grafana.url} target="_blank" rel="noreferrer">
                    {word('grafana_open')} <OpenIcon fontSize="inherit" aria-hidden />
                </Link>
            )}
        </Stack>
    );
};

const ASKED = { ...LIVE, onError: () => {} };

export const UserShow = () => (
    <Show queryOptions={ASKED} component="div" actions={<Actions />} error={<Absent />} sx={{ '& .RaShow-card': { minWidth: 0 } }}>
        <Box sx={{ display: 'grid', gap: 2, gridTemplateColumns: { xs: 'minmax(0, 1fr)', md: 'repeat(2, minmax(0, 1fr))' }, alignItems: 'start' }}>
            <Section title="karana.fleet.fields">
                <Fields />
            </Section>
            <Section title="karana.fleet.owner.karanas">
                <Karanas />
            </Section>
            <Section title="karana.fleet.owner.credentials">
                <Credentials />
            </Section>
        </Box>
    </Show>
);
