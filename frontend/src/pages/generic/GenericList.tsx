import useMediaQuery from '@mui/material/useMediaQuery';
import type { Theme } from '@mui/material/styles';
import {
    CreateButton, DataTable, FilterButton, List, SimpleList, TopToolbar, type TranslateFunction, useRecordContext, useTranslate,
} from 'react-admin';
import { FieldValue, useLabels } from '../../components/FieldValue';
import { representation } from '../../description';
import { type Description, type Field, columnsOf, fieldsOf, namesOf, valueAt } from '../../schema';
import { Described } from './Described';
import { comparisons } from './filters';
import { FieldInput } from './inputs';

const Actions = () => (
    <TopToolbar>
        <FilterButton />
        <CreateButton />
    </TopToolbar>
);

const Cell = ({ field }: { field: Field }) => <FieldValue field={field} value={valueAt(useRecordContext(), field.source)} />;

function filters(description: Description, resource: string, labels: ReturnType<typeof useLabels>, translate: TranslateFunction) {
    const [name] = namesOf(description, resource);
    return fieldsOf(description, resource, 'Record').filter(({ sortable }) => sortable).flatMap(field =>
        comparisons(field).map(({ source, text }) => {
            const title = labels(resource, field.source);
            return (
                <FieldInput
                    key={source} source={source} field={field} description={description} resource={resource}
                    label={text === undefined ? title : translate(text, { field: title })}
                    alwaysOn={field.source === name?.source && text === undefined}
                />
            );
        }),
    );
}

export const GenericList = () => {
    const [labels, translate] = [useLabels(), useTranslate()];
    const isSmall = useMediaQuery((theme: Theme) => theme.breakpoints.down('sm'));
    return (
        <Described>
            {(description, resource) => {
                const columns = columnsOf(description, resource);
                const names = namesOf(description, resource);
                const read = [...new Set(['uuid', ...names.map(({ source }) => source), ...columns.map(({ source }) => source)])];
                const others = columns.filter(({ source }) => !names.some(name => name.source === source)).slice(0, 3);
                return (
                    <List
                        filters={filters(description, resource, labels, translate)} actions={<Actions />} perPage={25} exporter={false}
                        sort={{ field: 'created_at', order: 'DESC' }} queryOptions={{ meta: { query: `fields=${read.join(',')}` } }}
                    >
                        {isSmall ? (
                            <SimpleList
                                primaryText={representation(resource)} rowClick="show"
                                secondaryText={() => others.map((field, place) => (
                                    <span key={field.source}>{place > 0 && ' · '}<Cell field={field} /></span>
                                ))}
                            />
                        ) : (
                            <DataTable rowClick="show">
                                {columns.map(field => (
                                    <DataTable.Col
                                        key={field.source} source={field.source} label={labels(resource, field.source)}
                                        align={field.kind === 'number' ? 'right' : undefined}
                                    >
                                        <Cell field={field} />
                                    </DataTable.Col>
                                ))}
                            </DataTable>
                        )}
                    </List>
                );
            }}
        </Described>
    );
};
