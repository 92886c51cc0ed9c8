import Box from '@mui/material/Box';
import { useEffect } from 'react';
import {
    AutocompleteInput, DateTimeInput, Form, ReferenceInput, ResourceContextProvider, SelectInput, useEvent,
    useGetResourceLabel, useTranslate,
} from 'react-admin';
import { type FieldValues, useWatch } from 'react-hook-form';
import { useStanding } from '../../api';
import { ACTIONS } from './Action';
import type { Filter } from './queries';

const byName = (text: string) => (text ? { 'name@contains': text } : {});
const moment = (text: string) => (text === '' ? null : new Date(text).toISOString());
// An actor is named by its path.
const USERS = 'users/';

interface Props {
    filter: Filter;
    onChange: (filter: Record<string, string>) => void;
}

export const Filters = ({ filter, onChange }: Props) => (
    <ResourceContextProvider value="users">
        <Form defaultValues={{ ...filter, actor: filter.actor?.replace(USERS, '') }}>
            <Inputs onChange={onChange} />
        </Form>
    </ResourceContextProvider>
);

const Inputs = ({ onChange }: Pick<Props, 'onChange'>) => {
    const [translate, label, standing] = [useTranslate(), useGetResourceLabel(), useStanding()];
    const { actor, ...others }: FieldValues = useWatch();
    const said = Object.entries({ actor: actor && `${USERS}${actor}`, ...others }).filter(([, value]) => value);
    const wanted = JSON.stringify(Object.fromEntries(said));
    const tell = useEvent(onChange);
    useEffect(() => tell(JSON.parse(wanted) as Record<string, string>), [tell, wanted]);
    const resources = (standing?.resources ?? []).map(({ name }) => ({ id: name, name: label(name, 2) }));
    const actions = ACTIONS.map(id => ({ id, name: translate(`karana.past.action.${id}`) }));
    return (
        <Box sx={{ display: 'grid', columnGap: 2, mb: 2, gridTemplateColumns: 'repeat(auto-fill, minmax(min(100%, 150px), 1fr))' }}>
            <ReferenceInput source="actor" reference="users" sort={{ field: 'name', order: 'ASC' }}>
                <AutocompleteInput label="karana.past.filter.actor" filterToQuery={byName} helperText={false} />
            </ReferenceInput>
            <SelectInput
                source="resource" label="karana.past.filter.resource" choices={resources} translateChoice={false} helperText={false}
            />
            <SelectInput
                source="action" label="karana.past.filter.action" choices={actions} translateChoice={false} helperText={false}
            />
            <DateTimeInput source="since" label="karana.past.filter.since" parse={moment} helperText={false} />
            <DateTimeInput source="until" label="karana.past.filter.until" parse={moment} helperText={false} />
        </Box>
    );
};
