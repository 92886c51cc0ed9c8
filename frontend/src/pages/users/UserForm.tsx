import Typography from '@mui/material/Typography';
import { useRef } from 'react';
import {
    Create, FormDataConsumer, PasswordInput, RadioButtonGroupInput, SaveButton, SelectInput, ShowButton, SimpleForm, TextInput, Toolbar,
    TopToolbar, email, maxLength, minLength, required, useNotify, useRecordContext, useRedirect, useTranslate,
} from 'react-admin';
import { useStanding } from '../../api';
import { DeleteRecord } from '../../components/DeleteRecord';
import { RecordEdit } from '../../components/RecordEdit';
import { useUnsaved } from '../../components/unsaved';
import { ROLES, STATES } from '../../components/states';
import { changeable, isInCharge } from './changeable';
import { type User, type UserInput, sent } from './user';

const PASSWORD = [minLength(5), maxLength(128)];
const NAME = maxLength(256);
const ADDRESS = [required(), email(), maxLength(254)];

const RoleInput = () => (
    <SelectInput
        source="role" choices={ROLES} validate={required()} defaultValue="client"
        // A manager makes clients only.
        readOnly={useStanding()?.me.role !== 'admin'}
    />
);

const EditInputs = () => {
    const [translate, standing, user] = [useTranslate(), useStanding(), useRecordContext<User>()];
    if (user === undefined) return null;
    const fields = changeable(standing, user);
    if (fields.length === 0) return <Typography>{translate('karana.fleet.owner.not_yours')}</Typography>;
    return (
        <>
            {fields.includes('name') && <TextInput source="name" validate={NAME} />}
            {fields.includes('email') && <TextInput source="email" type="email" validate={ADDRESS} />}
            {fields.includes('role') && <RoleInput />}
            {fields.includes('state') && <SelectInput source="state" choices={STATES} validate={required()} />}
            {fields.includes('credentials.password') && (
                <PasswordInput
                    source="credentials.password" autoComplete="new-password" validate={PASSWORD} helperText="karana.empty_password"
                />
            )}
        </>
    );
};

const EditActions = () => (
    <TopToolbar>
        <ShowButton />
    </TopToolbar>
);

const EditToolbar = () => {
    const [standing, user] = [useStanding(), useRecordContext<User>()];
    if (user === undefined || changeable(standing, user).length === 0) return null;
    return (
        <Toolbar sx={{ justifyContent: 'space-between' }}>
            <SaveButton />
            {isInCharge(standing, user) && <DeleteRecord />}
        </Toolbar>
    );
};

const changed = (data: UserInput, { previousData }: { previousData?: User } = {}) => sent(data, previousData);

export const UserEdit = () => (
    <RecordEdit actions={<EditActions />} toolbar={<EditToolbar />} transform={changed} redirect="show">
        <EditInputs />
    </RecordEdit>
);

const HOW = [
    { id: 'by_hand', name: 'karana.fleet.owner.by_hand' },
    { id: 'by_link', name: 'karana.fleet.owner.by_link' },
];

export const UserCreate = () => {
    const [translate, notify, redirect] = [useTranslate(), useNotify(), useRedirect()];
    const [unsaved, byLink] = [useUnsaved(), useRef(false)];
    const transform = (data: UserInput) => {
        byLink.current = data.how === 'by_link';
        return sent(data);
    };
    const onSuccess = (user: User) => {
        notify('ra.notification.created', { type: 'info', messageArgs: { smart_count: 1 } });
        // There the link is made.
        redirect('show', 'users', user.id, undefined, { link: byLink.current });
    };
    return (
        <Create transform={transform} mutationOptions={{ onSuccess }}>
            <SimpleForm {...unsaved}>
                <TextInput source="name" validate={NAME} />
                <TextInput source="email" type="email" validate={ADDRESS} />
                <RoleInput />
                <SelectInput source="state" choices={STATES} validate={required()} defaultValue="active" />
                <RadioButtonGroupInput source="how" label="karana.fleet.owner.how" choices={HOW} defaultValue="by_hand" helperText={false} />
                <FormDataConsumer<UserInput>>
                    {({ formData }) =>
                        formData.how === 'by_link' ? (
                            <Typography variant="body2">{translate('karana.fleet.owner.by_link_help')}</Typography>
                        ) : (
                            <PasswordInput
                                source="credentials.password" autoComplete="new-password" validate={[required(), ...PASSWORD]}
                            />
                        )
                    }
                </FormDataConsumer>
            </SimpleForm>
        </Create>
    );
};
