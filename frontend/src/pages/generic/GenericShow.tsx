import { DeleteButton, EditButton, ListButton, Show, SimpleShowLayout, TopToolbar, useRecordContext } from 'react-admin';
import { FieldValue, useLabels } from '../../components/FieldValue';
import { HistoryButton } from '../../components/HistoryButton';
import { Secret } from '../../components/Secret';
import { type Field, fieldsOf, valueAt } from '../../schema';
import { Described } from './Described';

const Actions = () => (
    <TopToolbar>
        <HistoryButton />
        <EditButton />
        <DeleteButton />
        <ListButton />
    </TopToolbar>
);

/** The field of the record in context; react-admin's layout labels it by the other two. */
export const Shown = ({ field, label }: { field: Field; label: string; source: string }) => {
    const value = valueAt(useRecordContext(), field.source);
    if (!field.secret) return <FieldValue field={field} value={value} />;
    // It is absent for those who may not see it.
    return typeof value === 'string' && value !== '' ? <Secret value={value} label={label} /> : <>–</>;
};

export const GenericShow = () => {
    const labels = useLabels();
    return (
        <Described>
            {(description, resource) => (
                <Show actions={<Actions />}>
                    <SimpleShowLayout>
                        {fieldsOf(description, resource, 'Record').map(field => (
                            <Shown key={field.source} field={field} label={labels(resource, field.source)} source={field.source} />
                        ))}
                    </SimpleShowLayout>
                </Show>
            )}
        </Described>
    );
};
