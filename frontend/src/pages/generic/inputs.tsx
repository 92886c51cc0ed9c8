import {
    AutocompleteInput, BooleanInput, DateInput, DateTimeInput, NullableBooleanInput, NumberInput, PasswordInput, ReferenceInput,
    SelectInput, TextInput, useTranslate,
} from 'react-admin';
import { useChoices, useLabels } from '../../components/FieldValue';
import { type Description, type Field, explained, namesOf } from '../../schema';
import { rules } from './rules';

// Fewer choices than these are seen at a glance.
const GLANCE = 12;

/** A time as the API has it. */
const moment = (text: string) => (text === '' ? null : new Date(text).toISOString());

const text = (value: unknown) =>
    (typeof value === 'string' || value === undefined || value === null ? value : JSON.stringify(value));
const parsed = (written: string): unknown => {
    try {
        return written === '' ? null : JSON.parse(written);
    } catch {
        return written;
    }
};

interface Props {
    field: Field;
    description: Description;
    resource: string;
    /** In place of that of the field, for a filter; a filter also has no rules. */
    source?: string;
    label?: string;
    /** Of react-admin's forms of filters. */
    alwaysOn?: boolean;
}

/** The input that suits a field. */
export const FieldInput = ({ field, description, resource, source, label }: Props) => {
    const [translate, labels, choice] = [useTranslate(), useLabels(), useChoices()];
    const isFilter = source !== undefined;
    const props = {
        source: source ?? field.source,
        label: label ?? labels(resource, field.source),
        validate: isFilter ? undefined : rules(field),
        helperText: isFilter ? false as const : explained(field.schema),
        defaultValue: isFilter ? undefined : field.schema.default,
    };
    const { kind } = field;
    if (field.secret) return <PasswordInput {...props} autoComplete="off" />;
    if (kind === 'reference' && field.reference !== undefined) {
        const [name] = namesOf(description, field.reference);
        const byName = (typed: string) => (typed && name !== undefined ? { [`${name.source}@contains`]: typed } : {});
        const sort = { field: name?.source ?? 'created_at', order: 'ASC' as const };
        return (
            <ReferenceInput source={props.source} reference={field.reference} sort={sort}>
                <AutocompleteInput
                    label={props.label} validate={props.validate} helperText={props.helperText} filterToQuery={byName} fullWidth
                />
            </ReferenceInput>
        );
    }
    if (kind === 'choice') {
        const choices = (field.choices ?? []).map(id => ({ id, name: choice(field.source, id) }));
        const Input = choices.length > GLANCE ? AutocompleteInput : SelectInput;
        return <Input {...props} choices={choices} translateChoice={false} />;
    }
    if (kind === 'boolean') return field.nullable || isFilter ? <NullableBooleanInput {...props} /> : <BooleanInput {...props} />;
    if (kind === 'number') return <NumberInput {...props} />;
    if (kind === 'date') return <DateInput {...props} />;
    if (kind === 'time') return <DateTimeInput {...props} parse={moment} />;
    if (kind === 'json') {
        const isJson = (value: unknown) =>
            (typeof value === 'string' && parsed(value) === value ? translate('karana.past.json') : undefined);
        return <TextInput {...props} multiline format={text} parse={parsed} validate={[...(props.validate ?? []), isJson]} />;
    }
    return <TextInput {...props} multiline={kind === 'long' && !isFilter} type={kind === 'email' ? 'email' : 'text'} />;
};
