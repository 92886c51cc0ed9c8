import {
    AutocompleteInput, Create, CreateButton, DataTable, DateField, FilterButton, List, NumberField, NumberInput,
    ReferenceField, ReferenceInput, SelectInput, Show, SimpleForm, SimpleShowLayout, TextField, TextInput, TopToolbar,
    maxLength, minLength, minValue, required, useTranslate,
} from 'react-admin';
import { RecordEdit } from '../../components/RecordEdit';
import { CONNECTIONS, Connection, LIVE, LastSeen, OneOf, STATES, choices } from '../../components/states';

const byName = (text: string) => (text ? { 'name@contains': text } : {});

const Owner = (props: { alwaysOn?: boolean }) => (
    <ReferenceInput {...props} source="owner" reference="users" sort={{ field: 'name', order: 'ASC' }}>
        <AutocompleteInput label="resources.karanas.fields.owner" filterToQuery={byName} emptyText="karana.stock" />
    </ReferenceInput>
);

const FILTERS = [
    <TextInput key="name" source="name@contains" label="resources.karanas.fields.name" alwaysOn />,
    <SelectInput
        key="connection" source="connection" label="resources.karanas.fields.connection"
        choices={choices('connection', CONNECTIONS)} alwaysOn
    />,
    <ReferenceInput key="owner" source="owner" reference="users" label="resources.karanas.fields.owner">
        <AutocompleteInput label="resources.karanas.fields.owner" filterToQuery={byName} />
    </ReferenceInput>,
    <SelectInput key="state" source="state" choices={STATES} />,
];

const Stock = () => <>{useTranslate()('karana.stock')}</>;
const OwnerField = (_: { source?: string }) => <ReferenceField source="owner" reference="users" empty={<Stock />} />;

const Actions = () => (
    <TopToolbar>
        <FilterButton />
        <CreateButton />
    </TopToolbar>
);

export const KaranaList = () => (
    <List
        filters={FILTERS} actions={<Actions />} sort={{ field: 'name', order: 'ASC' }} perPage={25} exporter={false}
        queryOptions={LIVE}
    >
        <DataTable>
            <DataTable.Col source="name" />
            <DataTable.Col source="owner" field={OwnerField} />
            <DataTable.Col label="resources.karanas.fields.connection">
                <Connection />
            </DataTable.Col>
            <DataTable.Col label="resources.karanas.fields.last_seen">
                <LastSeen />
            </DataTable.Col>
            <DataTable.Col source="state">
                <OneOf of="state" source="state" />
            </DataTable.Col>
            <DataTable.Col source="created_at" field={DateField} />
        </DataTable>
    </List>
);

export const KaranaShow = () => (
    <Show queryOptions={LIVE}>
        <SimpleShowLayout>
            <TextField source="name" />
            <OwnerField source="owner" />
            <Now label="resources.karanas.fields.connection" />
            <DateField source="status.last_seen" showTime label="resources.karanas.fields.last_seen" emptyText="–" />
            <NumberField source="status.posts_per_hour" label="resources.karanas.fields.posts_per_hour" />
            <OneOf of="state" source="state" />
            <TextField source="kid" emptyText="–" />
            <TextField source="note" />
            <TextField source="config.series" />
            <NumberField source="config.signal" />
            <NumberField source="config.post_int" />
            <NumberField source="config.get_int" />
            <DateField source="created_at" showTime />
        </SimpleShowLayout>
    </Show>
);

// With what the layout labels it by.
const Now = (_: { label: string }) => <Connection />;

const Inputs = () => (
    <>
        <TextInput source="name" validate={[required(), minLength(2), maxLength(128)]} />
        <Owner />
        <TextInput source="kid" />
        <SelectInput source="state" choices={STATES} validate={required()} defaultValue="active" />
        <TextInput source="config.series" validate={required()} defaultValue="data" />
        <NumberInput source="config.signal" validate={[required(), minValue(0)]} defaultValue={10} />
        <NumberInput source="config.post_int" validate={[required(), minValue(1)]} defaultValue={30} />
        <NumberInput source="config.get_int" validate={[required(), minValue(1)]} defaultValue={6} />
        <TextInput source="note" multiline parse={(text: string) => text} />
    </>
);

export const KaranaEdit = () => (
    <RecordEdit>
        <Inputs />
    </RecordEdit>
);

// The owner has to be said, also when it is none: a device in stock.
const withOwner = (data: { owner?: string | null }) => ({ ...data, owner: data.owner || null });

export const KaranaCreate = () => (
    <Create redirect="list" transform={withOwner}>
        <SimpleForm>
            <Inputs />
        </SimpleForm>
    </Create>
);
