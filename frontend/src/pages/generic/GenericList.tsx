import useMediaQuery from '@mui/material/useMediaQuery';
import type { Theme } from '@mui/material/styles';
import {
    CreateButton, DataTable, FilterButton, SimpleList, TopToolbar, type TranslateFunction, useTranslate,
} from 'react-admin';
import { useStanding } from '../../api';
import { abilities } from '../../authProvider';
import { CutField, CutName } from '../../components/Cut';
import { ExportButton } from '../../components/ExportButton';
import { RecordValue, useLabels } from '../../components/FieldValue';
import { ImportButton } from '../../components/ImportButton';
import { RecordList } from '../../components/RecordList';
import { type Description, type Field, type Kind, columnsOf, fieldsOf, namesOf } from '../../schema';
import { Described } from './Described';
import { comparisons } from './filters';
import { FieldInput } from './inputs';

const Actions = ({ fields }: { fields: Field[] }) => {
    const open = fields.some(({ secret }) => secret) ? fields.filter(({ secret }) => !secret) : undefined;
    return (
        <TopToolbar sx={{ flexWrap: 'wrap' }}>
            <FilterButton />
            <ExportButton open={open?.map(({ source }) => source).join(',')} />
            <ImportButton />
            <CreateButton />
        </TopToolbar>
    );
};

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

const TEXTS: Kind[] = ['text', 'long', 'email', 'json'];

const Cell = ({ field }: { field: Field }) => {
    const value = <RecordValue field={field} />;
    return TEXTS.includes(field.kind) ? <CutField source={field.source}>{value}</CutField> : value;
};

export const GenericList = () => {
    const [labels, translate] = [useLabels(), useTranslate()];
    const standing = useStanding();
    const isSmall = useMediaQuery((theme: Theme) => theme.breakpoints.down('sm'));
    return (
        <Described>
            {(description, resource) => {
                const columns = columnsOf(description, resource);
                const names = namesOf(description, resource);
                const read = [...new Set(['uuid', ...names.map(({ source }) => source), ...columns.map(({ source }) => source)])];
                const actions = <Actions fields={fieldsOf(description, resource, 'Record')} />;
                const others = columns.filter(({ source }) => !names.some(name => name.source === source)).slice(0, 3);
                return (
                    <RecordList
                        filters={filters(description, resource, labels, translate)} actions={actions}
                        sort={{ field: 'created_at', order: 'DESC' }} queryOptions={{ meta: { query: `fields=${read.join(',')}` } }}
                        // Who may not make one is not invited to.
                        empty={abilities(standing, resource)?.create ? undefined : false}
                    >
                        {isSmall ? (
                            <SimpleList
                                primaryText={<CutName most="100%" />} rowClick="show"
                                secondaryText={() => others.map((field, place) => (
                                    <span key={field.source}>{place > 0 && ' · '}<RecordValue field={field} link={false} /></span>
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
                    </RecordList>
                );
            }}
        </Described>
    );
};
