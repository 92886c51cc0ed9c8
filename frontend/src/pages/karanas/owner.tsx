import { AutocompleteInput, ReferenceField, ReferenceInput, useTranslate } from 'react-admin';
import { CutName } from '../../components/Cut';

export const byName = (text: string) => (text ? { 'name@contains': text } : {});

const Stock = () => <>{useTranslate()('karana.stock')}</>;

/** The owner's name; none: in stock. */
export const OwnerField = ({ link = 'show', most }: { source: string; link?: 'show' | false; most?: string }) => (
    <ReferenceField source="owner" reference="users" link={link} empty={<Stock />}>
        <CutName of="users" most={most} />
    </ReferenceField>
);

export const OwnerInput = () => (
    <ReferenceInput source="owner" reference="users" sort={{ field: 'name', order: 'ASC' }}>
        <AutocompleteInput label="resources.karanas.fields.owner" filterToQuery={byName} emptyText="karana.stock" />
    </ReferenceInput>
);
