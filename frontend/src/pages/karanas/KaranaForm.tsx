import {
    Create, NumberInput, SaveButton, SelectInput, ShowButton, SimpleForm, TextInput, Toolbar, TopToolbar, maxLength, maxValue,
    minLength, minValue, regex, required,
} from 'react-admin';
import { useStanding } from '../../api';
import { abilities } from '../../authProvider';
import { DeleteRecord } from '../../components/DeleteRecord';
import { RecordEdit } from '../../components/RecordEdit';
import { useUnsaved } from '../../components/unsaved';
import { STATES } from '../../components/states';
import { OwnerInput } from './owner';

const NAME = [required(), minLength(2), maxLength(128)];
const KID = [regex(/^[A-Za-z0-9_-]{1,32}$/, 'karana.fleet.kid_rule')];
const SERIES = [required(), maxLength(64)];
const from = (least: number) => [required(), minValue(least), maxValue(2_147_483_647)];

/** Those inputs that one may use: an owner may not change everything of its karana. */
const Inputs = ({ isNew = false }) => {
    const may = abilities(useStanding(), 'karanas')?.update;
    const offers = (field: string) => isNew || may === true || (Array.isArray(may) && may.includes(field));
    return (
        <>
            {offers('name') && <TextInput source="name" validate={NAME} />}
            {/* Later it is moved: that has to do with its device. */}
            {isNew && <OwnerInput />}
            {offers('kid') && <TextInput source="kid" validate={KID} helperText="karana.fleet.kid_help" />}
            {offers('state') && <SelectInput source="state" choices={STATES} validate={required()} defaultValue="active" />}
            {offers('config') && (
                <>
                    <TextInput source="config.series" validate={SERIES} defaultValue="data" helperText="karana.fleet.series_help" />
                    <NumberInput source="config.signal" validate={from(0)} defaultValue={10} step={1} />
                    <NumberInput source="config.post_int" validate={from(1)} defaultValue={30} step={1} />
                    <NumberInput source="config.get_int" validate={from(1)} defaultValue={6} step={1} />
                </>
            )}
            {offers('note') && <TextInput source="note" multiline parse={(text: string) => text} />}
        </>
    );
};

const EditActions = () => (
    <TopToolbar>
        <ShowButton />
    </TopToolbar>
);

const EditToolbar = () => (
    <Toolbar sx={{ justifyContent: 'space-between' }}>
        <SaveButton />
        <DeleteRecord />
    </Toolbar>
);

export const KaranaEdit = () => (
    <RecordEdit actions={<EditActions />} toolbar={<EditToolbar />} redirect="show">
        <Inputs />
    </RecordEdit>
);

// The owner has to be said, also when it is none: a device in stock.
const withOwner = (data: { owner?: string | null }) => ({ ...data, owner: data.owner || null });

export const KaranaCreate = () => (
    <Create redirect="show" transform={withOwner}>
        <SimpleForm {...useUnsaved()}>
            <Inputs isNew />
        </SimpleForm>
    </Create>
);
