import { AutocompleteInput, ReferenceField, ReferenceInput, useTranslate } from 'react-admin';

export const byName = (text: string) => (text ? { 'name@contains': text } : {});

const Stock = () => <>{useTranslate()('karana.stock')}</>;

/** The owner's name; none: in stock. */
export const OwnerField = ({ link = 'show' }: { source: string; link?: 'show' | false }) => (
    <ReferenceField source="owner" reference="users" link={link} empty={<Stock />} />
);

export const OwnerInput = () => (
    <ReferenceInput source="owner" reference="users" sort={{ field: 'name', order: 'ASC' }}>
        <AutocompleteInput label="resources.karanas.fields.owner" filterToQuery={byName} emptyText="karana.stock" />
    </ReferenceInput>
);
