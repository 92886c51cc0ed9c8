import type { Theme } from '@mui/material/styles';
import useMediaQuery from '@mui/material/useMediaQuery';
import {
    AutocompleteInput, ColumnsButton, CreateButton, DataTable, FilterButton, ReferenceInput,
    SelectInput, SimpleList, TextInput, TopToolbar, useTranslate,
} from 'react-admin';
import { BESIDE, CutField, CutName } from '../../components/Cut';
import { DeleteSelected } from '../../components/DeleteSelected';
import { ExportButton } from '../../components/ExportButton';
import { ImportButton } from '../../components/ImportButton';
import { RecordList } from '../../components/RecordList';
import { SyncChip } from '../../components/SyncState';
import { TimeField } from '../../components/Time';
import { Aside } from '../../components/Aside';
import { Connection, LIVE, OneOf, STATES, choices } from '../../components/states';
import { CONNECTIONS } from '../../lists';
import { LastSeen } from './LastSeen';
import { OwnerField, byName } from './owner';

// Columns that are there for those who look for them.
const HIDDEN = ['kid', 'note', 'config.series', 'config.signal', 'config.post_int', 'config.get_int', 'created_at'];

const FILTERS = [
    <TextInput key="name" source="name@contains" label="resources.karanas.fields.name" alwaysOn />,
    <SelectInput
        key="connection" source="connection" label="resources.karanas.fields.connection"
        choices={choices('connection', CONNECTIONS)} alwaysOn
    />,
    <ReferenceInput key="owner" source="owner" reference="users" label="resources.karanas.fields.owner">
        <AutocompleteInput label="resources.karanas.fields.owner" filterToQuery={byName} />
    </ReferenceInput>,
    <SelectInput key="stock" source="owner@eq" label="karana.fleet.in_stock" choices={[{ id: 'null', name: 'karana.stock' }]} />,
    <SelectInput key="state" source="state" choices={STATES} />,
];

const Actions = () => {
    const isSmall = useIsSmall();
    return (
        <TopToolbar sx={{ flexWrap: 'wrap' }}>
            <FilterButton />
            {!isSmall && <ColumnsButton />}
            <ExportButton />
            <ImportButton />
            <CreateButton />
        </TopToolbar>
    );
};

export const KaranaList = () => (
    <RecordList filters={FILTERS} actions={<Actions />} sort={{ field: 'name', order: 'ASC' }} queryOptions={LIVE}>
        {useIsSmall() ? <Lines /> : <Table />}
    </RecordList>
);

const useIsSmall = () => useMediaQuery<Theme>(theme => theme.breakpoints.down('sm'));

const Lines = () => (
    <SimpleList
        rowClick="show"
        primaryText={<CutName most={BESIDE} />}
        secondaryText={<><OwnerField source="owner" link={false} most="50%" /> · <LastSeen /></>}
        tertiaryText={<Aside><Connection /></Aside>}
    />
);

const Table = () => {
    const translate = useTranslate();
    return (
        <DataTable rowClick="show" hiddenColumns={HIDDEN} bulkActionButtons={<DeleteSelected />}>
            <DataTable.Col source="name">
                <CutField source="name" />
            </DataTable.Col>
            <DataTable.Col source="owner">
                <OwnerField source="owner" />
            </DataTable.Col>
            <DataTable.Col source="status.connection" label="resources.karanas.fields.connection" disableSort>
                <Connection />
            </DataTable.Col>
            <DataTable.Col source="status.last_seen" label="resources.karanas.fields.last_seen" disableSort>
                <LastSeen />
            </DataTable.Col>
            <DataTable.Col source="status.sync" label={translate('karana.fleet.sync.title')} disableSort>
                <SyncChip />
            </DataTable.Col>
            <DataTable.Col source="state">
                <OneOf of="state" source="state" />
            </DataTable.Col>
            <DataTable.Col source="kid" />
            <DataTable.Col source="note">
                <CutField source="note" />
            </DataTable.Col>
            <DataTable.Col source="config.series">
                <CutField source="config.series" />
            </DataTable.Col>
            <DataTable.NumberCol source="config.signal" />
            <DataTable.NumberCol source="config.post_int" />
            <DataTable.NumberCol source="config.get_int" />
            <DataTable.Col source="created_at">
                <TimeField source="created_at" />
            </DataTable.Col>
        </DataTable>
    );
};
