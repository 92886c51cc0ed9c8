import Button from '@mui/material/Button';
import FormControlLabel from '@mui/material/FormControlLabel';
import Switch from '@mui/material/Switch';
import Typography from '@mui/material/Typography';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslate } from 'react-admin';
import { client } from '../../api';
import { useLabels } from '../../components/FieldValue';
import { ProgressBar } from '../../components/ProgressBar';
import { Refused } from '../../components/Refused';
import { Section } from '../../components/Section';
import { useFindingInWords } from '../../findings';
import { useCounted } from '../../components/useCounted';
import { Columns } from './Columns';
import { Preview } from './Preview';
import { Result } from './Result';
import { Source } from './Source';
import { type Checked, check } from './check';
import { type Decoded, decode } from './decode';
import { type OpenApi, fieldsOf } from './fields';
import { type Mapping, mapColumns, mapped } from './mapping';
import type { Unresolved } from './references';
import { type Broken, type FileTable, MOST_BYTES, MOST_COLUMNS, MOST_IN_CELL, MOST_ROWS, readTable } from './table';
import { useImport } from './useImport';

interface Chosen {
    name: string;
    /** Another one for every file: it names what is known of it. */
    id: number;
    encoding: Decoded['encoding'];
    table: FileTable;
}

/** From a file to records: its columns, what would become of its rows, and the import. */
export const Import = ({ resource, api }: { resource: string; api: OpenApi }) => {
    const [translate, counted, label] = [useTranslate(), useCounted(), useLabels()];
    const [inWords, fields] = [useFindingInWords(), fieldsOf(api, resource)];
    const [chosen, setChosen] = useState<Chosen>();
    const [fault, setFault] = useState<string>();
    const [mapping, setMapping] = useState<Mapping>([]);
    const [isPartial, setPartial] = useState(false);
    const running = useImport(resource);

    const refusal = (why: string, numbers?: object) => new Error(translate(`karana.operations.import.${why}`, numbers));
    const read = async (file: File) => {
        running.reset();
        setFault(undefined);
        setChosen(undefined);
        try {
            if (file.size > MOST_BYTES) throw refusal('too_large', { most: MOST_BYTES >> 20 });
            const { text, encoding } = decode(new Uint8Array(await file.arrayBuffer()));
            const table = readTable(text, /\.(ndjson|jsonl)$/i.test(file.name));
            const [columns, rows] = [table.columns.length, table.rows.length];
            if (columns > MOST_COLUMNS) throw refusal('too_wide', { count: columns, most: MOST_COLUMNS });
            if (rows === 0) throw refusal('empty');
            if (rows > MOST_ROWS) throw refusal('too_many', { most: MOST_ROWS });
            setMapping(mapColumns(table.columns, fields, path => label(resource, path)));
            setChosen({ name: file.name, id: Date.now(), encoding, table });
        } catch (error) {
            setFault((error as Error).message);
        }
    };

    const hasColumns = mapping.some(path => path !== null);
    const checking = useQuery<Checked>({
        queryKey: ['import', resource, chosen?.id, mapping],
        queryFn: ({ signal }) => {
            const table = chosen?.table ?? { columns: [], rows: [], broken: [] };
            const say = (one: Unresolved | Broken) =>
                translate(`karana.operations.import.${'reason' in one ? `broken.${one.reason}` : one.message}`, { most: MOST_IN_CELL });
            return check(client, { api, resource, fields, table, mapping, say, inWords, signal });
        },
        enabled: chosen !== undefined && hasColumns && running.state === 'none',
        retry: false, staleTime: Infinity, gcTime: 0, refetchOnReconnect: false,
    });

    if (running.state === 'done') {
        return <Result resource={resource} made={running.made} refused={running.refused} onAgain={() => {
            running.reset();
            setChosen(undefined);
        }} />;
    }
    const checked = checking.data;
    const faults = running.faults ?? checked?.faults ?? new Map();
    const possible = checked?.possible ?? 0;
    const canStart = possible > 0 && (faults.size === 0 || isPartial) && running.state === 'none' && !checking.isFetching;
    return (
        <>
            <Source resource={resource} fields={fields} name={chosen?.name} onFile={file => void read(file)} />
            {fault !== undefined && <Refused error={fault} />}
            {chosen !== undefined && (
                <>
                    <Section title="karana.operations.import.columns">
                        <Columns resource={resource} table={chosen.table} fields={fields} mapping={mapping} onChange={setMapping} />
                    </Section>
                    <Section title="karana.operations.import.preview">
                        <div role="status">
                            {checking.isFetching && (
                                <ProgressBar label={translate('karana.operations.import.checking')} done={0} total={0} />
                            )}
                            {checked !== undefined && (
                                <Typography>
                                    {counted('karana.operations.import.possible', possible)}
                                    {faults.size > 0 && ` ${counted('karana.operations.import.impossible', faults.size)}`}
                                </Typography>
                            )}
                        </div>
                        <Typography variant="body2" color={chosen.encoding === 'windows-1252' ? 'warning' : 'textSecondary'}>
                            {translate(`karana.operations.import.${chosen.encoding === 'windows-1252' ? 'guessed' : 'encoding'}`, chosen)}
                        </Typography>
                        {checking.error && <Refused error={checking.error} onRetry={() => void checking.refetch()} />}
                        <Preview resource={resource} table={mapped(chosen.table, mapping)} faults={faults} />
                        {faults.size > 0 && possible > 0 && (
                            <FormControlLabel
                                control={<Switch checked={isPartial} onChange={event => setPartial(event.target.checked)} />}
                                label={translate('karana.operations.import.partial')}
                            />
                        )}
                        {running.error && <Refused error={running.error} />}
                        {running.state === 'running' ? (
                            <ProgressBar label={translate('karana.operations.import.running')} {...running.progress} />
                        ) : (
                            <Button
                                variant="contained" disabled={!canStart} sx={{ display: 'block', mt: 1 }}
                                onClick={() => checked && void running.start(checked, isPartial)}
                            >
                                {counted('karana.operations.import.start', possible)}
                            </Button>
                        )}
                    </Section>
                </>
            )}
        </>
    );
};
