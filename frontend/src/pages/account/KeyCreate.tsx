import FormHelperText from '@mui/material/FormHelperText';
import Typography from '@mui/material/Typography';
import { useState } from 'react';
import {
    CheckboxGroupInput, Create, DateTimeInput, RadioButtonGroupInput, SimpleForm, TextInput, ValidationError, maxLength, required,
    useGetResourceLabel, useInput, useTranslate,
} from 'react-admin';
import { useStanding } from '../../api';
import type { Abilities } from '../../authProvider';
import { useUnsaved } from '../../components/unsaved';
import { type Made, NewKey } from './NewKey';
import { EVERY, type Grants, SERVER_SCOPES, VERBS, scopes } from './scopes';

const named = (of: string, ids: readonly string[]) => ids.map(id => ({ id, name: `karana.account.keys.${of}.${id}` }));
const REACHES = named('reaches', ['own', 'all']);
const NAME = [required(), maxLength(128)];

/** A key never may more than its user: what they may not is not offered. */
const verbsOf = (abilities: Abilities) =>
    VERBS.filter(verb => verb === 'read' || (verb === 'update' ? abilities.update !== false : abilities[verb]));

const Records = ({ abilities }: { abilities: readonly Abilities[] }) => {
    const [translate, label] = [useTranslate(), useGetResourceLabel()];
    const every = VERBS.filter(verb => abilities.some(one => verbsOf(one).includes(verb)));
    const rows = [
        { name: EVERY, label: translate('karana.account.keys.everything'), verbs: every },
        ...abilities.map(one => ({
            name: one.name, label: label(one.name), verbs: verbsOf(one),
        })),
    ];
    return rows.map(({ name, label, verbs }) => (
        <CheckboxGroupInput
            key={name} source={`records.${name}`} label={label} choices={named('verbs', verbs)} defaultValue={[]} helperText={false}
        />
    ));
};

interface Values extends Grants {
    name: string;
    expires_at?: string | null;
}

const some = (_: unknown, values: Values) => (scopes(values).length > 0 ? undefined : 'karana.account.keys.at_least_one');

/** Nothing to write in: where it is said that nothing is chosen. */
const Chosen = () => {
    const { fieldState: { error }, formState: { isSubmitted } } = useInput({ source: 'scopes', validate: some, defaultValue: '' });
    const message = isSubmitted ? error?.message : undefined;
    return (
        <FormHelperText error={message !== undefined} role="alert">
            {message !== undefined && <ValidationError error={message} />}
        </FormHelperText>
    );
};

const asKey = ({ name, expires_at, ...grants }: Values) => ({
    name,
    scopes: scopes(grants),
    // The input has the time of the viewer's zone.
    expires_at: expires_at ? new Date(expires_at).toISOString() : null,
});

const Inputs = () => {
    const [translate, standing] = [useTranslate(), useStanding()];
    const server = SERVER_SCOPES.filter(scope => (scope === 'sync' ? standing?.sync : standing?.me.role === 'admin'));
    return (
        <>
            <Typography gutterBottom>
                {translate('karana.account.keys.help')} {translate('karana.account.keys.own_role')}
            </Typography>
            <TextInput source="name" validate={NAME} />
            <Typography variant="h6" component="h2">{translate('karana.account.keys.for_what')}</Typography>
            <Records abilities={standing?.resources ?? []} />
            <Typography variant="body2" color="textSecondary">{translate('karana.account.keys.reads_too')}</Typography>
            <RadioButtonGroupInput
                source="reach" label="karana.account.keys.reach" choices={REACHES} defaultValue="all" row={false} helperText={false}
            />
            {server.length > 0 && (
                <CheckboxGroupInput
                    source="server" label="karana.account.keys.server" defaultValue={[]} helperText={false}
                    choices={server.map(id => ({ id, name: `karana.account.keys.${id}` }))}
                />
            )}
            <Chosen />
            <DateTimeInput source="expires_at" label="karana.account.keys.until" helperText="karana.account.keys.until_help" />
        </>
    );
};

// The answer has the key: it stays nowhere but where it is shown.
const UNKEPT = { gcTime: 0 };

/** Makes a key, and shows it, once. */
export const KeyCreate = () => {
    const [unsaved, [made, setMade]] = [useUnsaved(), useState<Made | null>(null)];
    if (made !== null) return <NewKey made={made} />;
    return (
        <Create<Made & Values> redirect={false} transform={asKey} mutationOptions={{ onSuccess: setMade, ...UNKEPT }}>
            <SimpleForm {...unsaved}>
                <Inputs />
            </SimpleForm>
        </Create>
    );
};
