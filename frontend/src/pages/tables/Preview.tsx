import Box from '@mui/material/Box';
import FormControlLabel from '@mui/material/FormControlLabel';
import List from '@mui/material/List';
import ListItem from '@mui/material/ListItem';
import Switch from '@mui/material/Switch';
import MuiTable from '@mui/material/Table';
import TableBody from '@mui/material/TableBody';
import TableCell from '@mui/material/TableCell';
import TableContainer from '@mui/material/TableContainer';
import TableHead from '@mui/material/TableHead';
import TablePagination from '@mui/material/TablePagination';
import TableRow from '@mui/material/TableRow';
import Typography from '@mui/material/Typography';
import type { Theme } from '@mui/material/styles';
import useMediaQuery from '@mui/material/useMediaQuery';
import { useState } from 'react';
import { useGetResourceLabel, useTranslate } from 'react-admin';
import { useLabels } from '../../components/FieldValue';
import type { Fault, Faults } from './outcome';
import type { Table } from './table';

const PER_PAGE = 10;
// Characters: enough to know a cell by.
const SHOWN = 200;

/** The rows as they will be, with what is wrong at the cells. Passwords are not shown. */
export const Preview = ({ resource, table, faults }: { resource: string; table: Table; faults: Faults }) => {
    const [translate, labels, labelOf] = [useTranslate(), useLabels(), useGetResourceLabel()];
    const [page, setPage] = useState(0);
    const [onlyFaulty, setOnlyFaulty] = useState(false);
    const isNarrow = useMediaQuery<Theme>(theme => theme.breakpoints.down('sm'));
    const label = (path: string) => labels(resource, path);
    const all = table.rows.map((cells, number) => ({ cells, number, faults: faults.get(number) ?? [] }));
    const chosen = onlyFaulty && faults.size > 0 ? all.filter(row => row.faults.length > 0) : all;
    const first = Math.min(page, Math.max(0, Math.ceil(chosen.length / PER_PAGE) - 1));
    const shown = chosen.slice(first * PER_PAGE, (first + 1) * PER_PAGE);
    const cell = (path: string, text: string) => {
        if (path.includes('password') && text !== '') return '•••';
        return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
    };
    const of = (row: Row, path: string) => row.faults.filter(fault => fault.path === path);
    // About the row, or about a field that has no column.
    const others = (row: Row) => row.faults.filter(fault => !table.columns.includes(fault.path));
    return (
        <>
            {faults.size > 0 && (
                <FormControlLabel
                    control={<Switch checked={onlyFaulty} onChange={event => setOnlyFaulty(event.target.checked)} />}
                    label={translate('karana.operations.import.only_faulty')}
                />
            )}
            {isNarrow ? (
                <List dense disablePadding>
                    {shown.map(row => (
                        <ListItem key={row.number} divider disableGutters sx={{ display: 'block', overflowWrap: 'anywhere' }}>
                            <strong>{translate('karana.operations.import.row', { number: row.number + 1 })}</strong>
                            <Messages faults={others(row)} label={label} />
                            {table.columns.map((path, at) => (
                                <Box key={path}>
                                    {label(path)}: {cell(path, row.cells[at] ?? '') || '–'}
                                    <Messages faults={of(row, path)} />
                                </Box>
                            ))}
                        </ListItem>
                    ))}
                </List>
            ) : (
                <TableContainer tabIndex={0} role="region" aria-label={labelOf(resource, 2)}>
                    <MuiTable size="small">
                        <TableHead>
                            <TableRow>
                                <TableCell>{translate('karana.operations.import.row', { number: '' })}</TableCell>
                                {table.columns.map(path => (
                                    <TableCell key={path}>{label(path)}</TableCell>
                                ))}
                            </TableRow>
                        </TableHead>
                        <TableBody>
                            {shown.map(row => (
                                <TableRow key={row.number}>
                                    <TableCell>
                                        {row.number + 1}
                                        <Messages faults={others(row)} label={label} />
                                    </TableCell>
                                    {table.columns.map((path, at) => (
                                        <TableCell key={path}>
                                            {cell(path, row.cells[at] ?? '')}
                                            <Messages faults={of(row, path)} />
                                        </TableCell>
                                    ))}
                                </TableRow>
                            ))}
                        </TableBody>
                    </MuiTable>
                </TableContainer>
            )}
            <TablePagination
                component="div" count={chosen.length} page={first} rowsPerPage={PER_PAGE} rowsPerPageOptions={[]}
                onPageChange={(_, next) => setPage(next)} labelDisplayedRows={({ from, to, count }) => `${from}–${to} / ${count}`}
                slotProps={{
                    actions: {
                        previousButton: { 'aria-label': translate('ra.navigation.previous') },
                        nextButton: { 'aria-label': translate('ra.navigation.next') },
                    },
                }}
            />
        </>
    );
};

interface Row {
    cells: string[];
    number: number;
    faults: Fault[];
}

const Messages = ({ faults, label }: { faults: Fault[]; label?: (path: string) => string }) => (
    <>
        {faults.map(({ path, message }) => (
            <Typography key={`${path} ${message}`} variant="body2" color="error">
                {label && path ? `${label(path)}: ${message}` : message}
            </Typography>
        ))}
    </>
);
