import { Create, SimpleForm, TopToolbar, ListButton, ShowButton } from 'react-admin';
import { useStanding } from '../../api';
import { abilities } from '../../authProvider';
import { HistoryButton } from '../../components/HistoryButton';
import { RecordEdit } from '../../components/RecordEdit';
import { useUnsaved } from '../../components/unsaved';
import { type Description, type Field, fieldsOf } from '../../schema';
import { Described } from './Described';
import { FieldInput } from './inputs';
import { given, writable } from './values';

const Inputs = ({ fields, description, resource }: { fields: Field[]; description: Description; resource: string }) =>
    fields.map(field => <FieldInput key={field.source} field={field} description={description} resource={resource} />);

export const GenericCreate = () => {
    const unsaved = useUnsaved();
    return (
        <Described>
            {(description, resource) => {
                const fields = fieldsOf(description, resource, 'New');
                return (
                    <Create redirect="list" transform={data => given(fields, data)}>
                        <SimpleForm {...unsaved}>
                            <Inputs fields={fields} description={description} resource={resource} />
                        </SimpleForm>
                    </Create>
                );
            }}
        </Described>
    );
};

const Actions = () => (
    <TopToolbar>
        <HistoryButton />
        <ShowButton />
        <ListButton />
    </TopToolbar>
);

export const GenericEdit = () => {
    const standing = useStanding();
    return (
        <Described>
            {(description, resource) => {
                const fields = writable(fieldsOf(description, resource, 'Replacement'), abilities(standing, resource)?.update);
                return (
                    <RecordEdit actions={<Actions />}>
                        <Inputs
                            // What the record has is not to be taken for left out.
                            fields={fields.map(field => ({ ...field, schema: { ...field.schema, default: undefined } }))}
                            description={description} resource={resource}
                        />
                    </RecordEdit>
                );
            }}
        </Described>
    );
};
