import { useState } from 'react';
import { AutocompleteInput, Form, ReferenceInput, useGetOne, useTranslate } from 'react-admin';
import { Section } from '../../components/Section';
import { Sparkline } from '../../components/Sparkline';

const byName = (text: string) => (text ? { 'name@contains': text } : {});
const NOTHING = () => {};

/** How often one karana has posted: first one that does, then whichever is chosen. */
export const Posts = ({ first }: { first: string | undefined }) => {
    const translate = useTranslate();
    const [chosen, setChosen] = useState<string>();
    const karana = chosen ?? first;
    const { data } = useGetOne('karanas', { id: karana ?? '' }, { enabled: karana !== undefined });
    return (
        <Section title="karana.operations.posts.title">
            <Form key={first} defaultValues={{ karana: first }} onSubmit={NOTHING}>
                <ReferenceInput source="karana" reference="karanas" sort={{ field: 'name', order: 'ASC' }}>
                    <AutocompleteInput
                        label={translate('resources.karanas.name', { smart_count: 1 })} filterToQuery={byName} helperText={false}
                        onChange={(value: string) => setChosen(value || undefined)} fullWidth
                    />
                </ReferenceInput>
            </Form>
            {karana !== undefined && <Sparkline karana={karana} name={String(data?.name ?? '')} height={96} />}
        </Section>
    );
};
