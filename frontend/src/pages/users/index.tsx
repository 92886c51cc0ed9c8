import {
    Create, CreateButton, DataTable, DateField, EmailField, FilterButton, List, PasswordInput, ReferenceManyCount,
    SelectInput, Show, SimpleForm, SimpleShowLayout, TextField, TextInput, TopToolbar, email, maxLength, minLength,
    required,
} from 'react-admin';
import { useStanding } from '../../api';
import { RecordEdit } from '../../components/RecordEdit';
import { OneOf, ROLES, STATES } from '../../components/states';

const FILTERS = [
    <TextInput key="name" source="name@contains" label="resources.users.fields.name" alwaysOn />,
    <TextInput key="email" source="email@contains" label="resources.users.fields.email" />,
    <SelectInput key="role" source="role" choices={ROLES} />,
    <SelectInput key="state" source="state" choices={STATES} />,
];

const Actions = () => (
    <TopToolbar>
        <FilterButton />
        <CreateButton />
    </TopToolbar>
);

export const UserList = () => (
    <List filters={FILTERS} actions={<Actions />} sort={{ field: 'name', order: 'ASC' }} perPage={25} exporter={false}>
        <DataTable>
            <DataTable.Col source="name" />
            <DataTable.Col source="email" field={EmailField} />
            <DataTable.Col source="role">
                <OneOf of="role" source="role" />
            </DataTable.Col>
            <DataTable.Col source="state">
                <OneOf of="state" source="state" />
            </DataTable.Col>
            <DataTable.Col source="created_at" field={DateField} />
        </DataTable>
    </List>
);

export const UserShow = () => (
    <Show>
        <SimpleShowLayout>
            <TextField source="name" />
            <EmailField source="email" />
            <OneOf of="role" source="role" />
            <OneOf of="state" source="state" />
            <ReferenceManyCount reference="karanas" target="owner" label="resources.karanas.name" link />
            <DateField source="created_at" showTime />
        </SimpleShowLayout>
    </Show>
);

const Inputs = ({ isNew = false }) => {
    // A manager makes clients only.
    const standing = useStanding();
    const password = [minLength(5), maxLength(128)];
    return (
        <>
            <TextInput source="name" validate={maxLength(256)} />
            <TextInput source="email" validate={[required(), email()]} />
            <SelectInput
                source="role" choices={ROLES} validate={required()} defaultValue="client" readOnly={standing?.me.role !== 'admin'}
            />
            <SelectInput source="state" choices={STATES} validate={required()} defaultValue="active" />
            <PasswordInput
                source="credentials.password" autoComplete="new-password"
                validate={isNew ? [required(), ...password] : password}
                helperText={isNew ? false : 'karana.empty_password'}
            />
        </>
    );
};

interface User {
    name?: string | null;
    email?: string;
    credentials?: { login?: string; password?: string | null };
}

// One signs in with the address; the name may be empty, but has to be said.
const withLogin = (data: User) => ({
    ...data,
    name: data.name ?? '',
    credentials: { ...data.credentials, login: data.email },
});

export const UserEdit = () => (
    <RecordEdit transform={withLogin}>
        <Inputs />
    </RecordEdit>
);

export const UserCreate = () => (
    <Create redirect="list" transform={withLogin}>
        <SimpleForm>
            <Inputs isNew />
        </SimpleForm>
    </Create>
);
