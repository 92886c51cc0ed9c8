import type { Theme } from '@mui/material/styles';
import useMediaQuery from '@mui/material/useMediaQuery';
import {
    ColumnsButton, CreateButton, DataTable, EmailField, FilterButton, SelectInput, SimpleList, TextInput, TopToolbar,
    useGetList, useRecordContext, useTranslate,
} from 'react-admin';
import { Aside } from '../../components/Aside';
import { BESIDE, CutField, CutName } from '../../components/Cut';
import { DeleteSelected } from '../../components/DeleteSelected';
import { ExportButton } from '../../components/ExportButton';
import { ImportButton } from '../../components/ImportButton';
import { RecordList } from '../../components/RecordList';
import { SyncChip } from '../../components/SyncState';
import { TimeField } from '../../components/Time';
import { OneOf, ROLES, STATES } from '../../components/states';

const FILTERS = [
    <TextInput key="name" source="name@contains" label="resources.users.fields.name" alwaysOn />,
    <TextInput key="email" source="email@contains" label="resources.users.fields.email" />,
    <SelectInput key="role" source="role" choices={ROLES} />,
    <SelectInput key="state" source="state" choices={STATES} />,
];

const HIDDEN = ['status.sync'];

const useIsSmall = () => useMediaQuery<Theme>(theme => theme.breakpoints.down('sm'));

const Actions = () => (
    <TopToolbar sx={{ flexWrap: 'wrap' }}>
        <FilterButton />
        {!useIsSmall() && <ColumnsButton />}
        <ExportButton />
        <ImportButton />
        <CreateButton />
    </TopToolbar>
);

export const UserList = () => (
    <RecordList filters={FILTERS} actions={<Actions />} sort={{ field: 'name', order: 'ASC' }}>
        {useIsSmall() ? <Lines /> : <Table />}
    </RecordList>
);

const Lines = () => (
    <SimpleList
        rowClick="show"
        primaryText={<CutName most={BESIDE} />}
        secondaryText={<CutField source="email" most="100%" />}
        tertiaryText={<Aside><OneOf of="role" source="role" /></Aside>}
    />
);

const Table = () => {
    const translate = useTranslate();
    return (
        <DataTable rowClick="show" hiddenColumns={HIDDEN} bulkActionButtons={<DeleteSelected />}>
            <DataTable.Col source="name">
                <CutField source="name" />
            </DataTable.Col>
            <DataTable.Col source="email">
                <CutField source="email">
                    <EmailField source="email" />
                </CutField>
            </DataTable.Col>
            <DataTable.Col source="role">
                <OneOf of="role" source="role" />
            </DataTable.Col>
            <DataTable.Col source="state">
                <OneOf of="state" source="state" />
            </DataTable.Col>
            <DataTable.NumberCol source="karanas" label={translate('karana.fleet.owner.karanas')} disableSort>
                <KaranaCount />
            </DataTable.NumberCol>
            <DataTable.Col source="status.sync" label={translate('karana.fleet.sync.title')} disableSort>
                <SyncChip />
            </DataTable.Col>
            <DataTable.Col source="created_at">
                <TimeField source="created_at" />
            </DataTable.Col>
        </DataTable>
    );
};

/** The API counts by the index of owners; nothing but the number is asked for. */
const KaranaCount = () => {
    const user = useRecordContext();
    const { total } = useGetList('karanas', {
        filter: { owner: user?.id }, pagination: { page: 1, perPage: 1 }, sort: { field: 'uuid', order: 'ASC' }, meta: 'fields=uuid',
    });
    return <>{total ?? '…'}</>;
};
