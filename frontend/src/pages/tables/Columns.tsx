import Alert from '@mui/material/Alert';
import Box from '@mui/material/Box';
import MenuItem from '@mui/material/MenuItem';
import TextField from '@mui/material/TextField';
import { useTranslate } from 'react-admin';
import { useLabels } from '../../components/FieldValue';
import type { Field } from './fields';
import { type Mapping, missing } from './mapping';
import type { Table } from './table';

/** Which column is which field. */
export const Columns = ({ resource, table, fields, mapping, onChange }: {
    resource: string; table: Table; fields: Field[]; mapping: Mapping; onChange: (mapping: Mapping) => void;
}) => {
    const [translate, label] = [useTranslate(), useLabels()];
    const name = (path: string) => `${label(resource, path)} (${path})`;
    // A field has one column: another one gives it away.
    const set = (at: number, path: string | null) =>
        onChange(mapping.map((old, index) => (index === at ? path : old === path ? null : old)));
    const own = resource === 'users' ? ['credentials.login', 'credentials.password'] : [];
    const absent = missing(mapping, fields).filter(({ path }) => !own.includes(path));
    return (
        <>
            <Box sx={{ display: 'grid', gap: 2, gridTemplateColumns: 'repeat(auto-fill, minmax(min(100%, 240px), 1fr))' }}>
                {table.columns.map((column, at) => (
                    <TextField
                        key={at} select size="small" margin="none" fullWidth
                        label={column || translate('karana.operations.import.column', { number: at + 1 })}
                        value={mapping[at] ?? ''} onChange={event => set(at, event.target.value || null)}
                        slotProps={{ select: { displayEmpty: true }, inputLabel: { shrink: true } }}
                    >
                        <MenuItem value="">{translate('karana.operations.import.left_out')}</MenuItem>
                        {fields.map(({ path }) => (
                            <MenuItem key={path} value={path}>
                                {name(path)}
                            </MenuItem>
                        ))}
                    </TextField>
                ))}
            </Box>
            {absent.length > 0 && (
                <Alert severity="warning" sx={{ mt: 2 }}>
                    {translate('karana.operations.import.missing', { fields: absent.map(({ path }) => name(path)).join(', ') })}
                </Alert>
            )}
            {resource === 'users' && !mapping.includes('credentials.password') && (
                <Alert severity="info" sx={{ mt: 2 }}>
                    {translate('karana.operations.import.no_password')}
                </Alert>
            )}
        </>
    );
};
