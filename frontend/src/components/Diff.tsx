import Box from '@mui/material/Box';
import Table from '@mui/material/Table';
import TableBody from '@mui/material/TableBody';
import TableCell from '@mui/material/TableCell';
import TableHead from '@mui/material/TableHead';
import TableRow from '@mui/material/TableRow';
import Typography from '@mui/material/Typography';
import { useTranslate } from 'react-admin';
import type { Difference } from '../past/versions';
import { FieldValue, useFields, useLabels } from './FieldValue';

const CELL = { overflowWrap: 'anywhere', whiteSpace: 'pre-wrap', verticalAlign: 'top', px: 1 } as const;

interface Props {
    resource: string;
    differences: Difference[];
    /** Fields whose value nobody is told. */
    secrets?: string[];
    /** Of the columns with values: of a new record there is one. */
    heads?: [string, string] | [string];
}

/** What is different, field by field. */
export const Diff = ({ resource, differences, secrets = [], heads = ['karana.past.before', 'karana.past.after'] }: Props) => {
    const [translate, label, fields] = [useTranslate(), useLabels(), useFields(resource)];
    if (differences.length === 0 && secrets.length === 0) {
        return <Typography variant="body2">{translate('karana.past.nothing')}</Typography>;
    }
    return (
        <Box sx={{ overflowX: 'auto' }}>
            <Table size="small" sx={{ tableLayout: 'fixed', maxWidth: 900 }}>
                <TableHead>
                    <TableRow>
                        <TableCell sx={CELL}>{translate('karana.past.field')}</TableCell>
                        {heads.map(head => (
                            <TableCell key={head} sx={CELL}>{translate(head)}</TableCell>
                        ))}
                    </TableRow>
                </TableHead>
                <TableBody>
                    {differences.map(({ source, before, after }) => (
                        <TableRow key={source} data-field={source}>
                            <TableCell component="th" scope="row" sx={CELL}>{label(resource, source)}</TableCell>
                            {heads.length === 2 && (
                                <TableCell sx={{ ...CELL, color: 'text.secondary' }}>
                                    <FieldValue field={fields.get(source)} value={before} />
                                </TableCell>
                            )}
                            <TableCell sx={CELL}>
                                <FieldValue field={fields.get(source)} value={after} />
                            </TableCell>
                        </TableRow>
                    ))}
                    {secrets.map(source => (
                        <TableRow key={source} data-field={source}>
                            <TableCell component="th" scope="row" sx={CELL}>{label(resource, source)}</TableCell>
                            <TableCell colSpan={heads.length} sx={CELL}>{translate('karana.past.new_secret')}</TableCell>
                        </TableRow>
                    ))}
                </TableBody>
            </Table>
        </Box>
    );
};
