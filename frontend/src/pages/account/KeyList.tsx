import Alert from '@mui/material/Alert';
import Box from '@mui/material/Box';
import Card from '@mui/material/Card';
import Chip from '@mui/material/Chip';
import Stack from '@mui/material/Stack';
import Typography from '@mui/material/Typography';
import { type Theme } from '@mui/material/styles';
import useMediaQuery from '@mui/material/useMediaQuery';
import {
    AutocompleteInput, CreateButton, DataTable, DeleteWithConfirmButton, RecordsIterator, ReferenceField, ReferenceInput,
    TextField, TopToolbar, useRecordContext, useTranslate,
} from 'react-admin';
import { useStanding } from '../../api';
import { CutField } from '../../components/Cut';
import { RecordList } from '../../components/RecordList';
import { Time } from '../../components/Time';
import { KeyScopes } from './KeyScopes';

interface Key {
    id: string;
    name: string;
    hint: string;
    expires_at: string | null;
    used_at: string | null;
}

const Expiry = () => {
    const [translate, key] = [useTranslate(), useRecordContext<Key>()];
    const past = key?.expires_at != null && new Date(key.expires_at) < new Date();
    return (
        <>
            <Time at={key?.expires_at} empty={translate('karana.account.keys.unlimited')} />
            {past && <Chip size="small" color="warning" label={translate('karana.account.keys.past')} sx={{ ml: 1 }} />}
        </>
    );
};

const LastUse = () => {
    const [translate, key] = [useTranslate(), useRecordContext<Key>()];
    return <Time at={key?.used_at} empty={translate('karana.never')} />;
};

const Owner = () => (
    <ReferenceField source="owner" reference="users" link={false}>
        <TextField source="name" />
    </ReferenceField>
);

const Delete = () => (
    <DeleteWithConfirmButton
        mutationMode="pessimistic" redirect={false} confirmContent="karana.account.keys.delete_sure"
    />
);

const Table = ({ ofAll }: { ofAll: boolean }) => (
    <DataTable bulkActionButtons={false} rowClick={false}>
        <DataTable.Col source="name"><CutField source="name" /></DataTable.Col>
        <DataTable.Col source="hint" disableSort><TextField source="hint" sx={{ fontFamily: 'monospace' }} /></DataTable.Col>
        {ofAll && <DataTable.Col source="owner" disableSort><Owner /></DataTable.Col>}
        <DataTable.Col source="scopes" disableSort><KeyScopes /></DataTable.Col>
        <DataTable.Col source="expires_at"><Expiry /></DataTable.Col>
        <DataTable.Col source="used_at" disableSort><LastUse /></DataTable.Col>
        <DataTable.Col><Delete /></DataTable.Col>
    </DataTable>
);

const Entry = ({ ofAll }: { ofAll: boolean }) => {
    const translate = useTranslate();
    const term = (field: string) => translate('karana.account.keys.term', { name: translate(`resources.keys.fields.${field}`) });
    return (
        <Box sx={{ p: 2, borderBottom: 1, borderColor: 'divider' }}>
            <Typography component="h2" variant="subtitle1" sx={{ overflowWrap: 'anywhere' }}>
                <TextField source="name" variant="inherit" />
            </Typography>
            <Typography component="div" variant="body2" sx={{ overflowWrap: 'anywhere' }}>
                <TextField source="hint" sx={{ fontFamily: 'monospace' }} />…{ofAll && <> · <Owner /></>}
                <KeyScopes />
                {term('expires_at')} <Expiry /><br />
                {term('used_at')} <LastUse />
            </Typography>
            <Delete />
        </Box>
    );
};

const Actions = () => (
    <TopToolbar>
        <CreateButton />
    </TopToolbar>
);

const Nothing = () => {
    const translate = useTranslate();
    return (
        <Stack sx={{ alignItems: 'center', gap: 2, p: 4, textAlign: 'center' }}>
            <Typography variant="h6" component="h2">{translate('karana.account.keys.none')}</Typography>
            <Typography>{translate('karana.account.keys.help')}</Typography>
            <CreateButton variant="contained" />
        </Stack>
    );
};

const OWNER = [
    <ReferenceInput key="owner" source="owner" reference="users" alwaysOn>
        <AutocompleteInput label="resources.keys.fields.owner" filterToQuery={text => ({ 'name@contains': text })} />
    </ReferenceInput>,
];

/** One's own keys; for an admin, all. */
export const KeyList = () => {
    const [translate, standing] = [useTranslate(), useStanding()];
    const narrow = useMediaQuery((theme: Theme) => theme.breakpoints.down('md'));
    const ofAll = standing?.me.role === 'admin';
    return (
        <RecordList
            actions={<Actions />} filters={ofAll ? OWNER : undefined} sort={{ field: 'name', order: 'ASC' }} empty={<Nothing />} component="div"
        >
            <Alert severity="info" sx={{ mb: 1 }}>
                {translate('karana.account.keys.help')} {translate('karana.account.keys.own_role')}
            </Alert>
            <Card>{narrow ? <RecordsIterator><Entry ofAll={ofAll} /></RecordsIterator> : <Table ofAll={ofAll} />}</Card>
        </RecordList>
    );
};
