import DownloadIcon from '@mui/icons-material/Download';
import UploadIcon from '@mui/icons-material/Upload';
import Box from '@mui/material/Box';
import Button from '@mui/material/Button';
import Typography from '@mui/material/Typography';
import Papa from 'papaparse';
import { type DragEvent, useRef, useState } from 'react';
import { useTranslate } from 'react-admin';
import { csv, save } from '../../components/download';
import type { Field } from './fields';

/** Where a file is chosen or dropped, and a table to fill in is found. */
export const Source = ({ resource, fields, name, onFile }: {
    resource: string; fields: Field[]; name: string | undefined; onFile: (file: File) => void;
}) => {
    const translate = useTranslate();
    const input = useRef<HTMLInputElement>(null);
    const [isOver, setOver] = useState(false);
    const take = (file: File | undefined) => {
        if (file !== undefined) onFile(file);
        // So that the same file can be chosen again once it is mended.
        if (input.current !== null) input.current.value = '';
    };
    const drop = (event: DragEvent) => {
        event.preventDefault();
        setOver(false);
        take(event.dataTransfer.files[0]);
    };
    const over = (event: DragEvent) => {
        event.preventDefault();
        setOver(true);
    };
    // Filled in with the address, with which one signs in.
    const columns = fields.map(({ path }) => path).filter(path => path !== 'credentials.login');
    return (
        <Box
            onDrop={drop} onDragOver={over} onDragLeave={() => setOver(false)}
            sx={{
                border: 2, borderStyle: 'dashed', borderColor: isOver ? 'primary.main' : 'divider', borderRadius: 2, p: 2,
                display: 'flex', flexWrap: 'wrap', gap: 2, alignItems: 'center',
            }}
        >
            <input
                ref={input} type="file" hidden accept=".csv,.tsv,.txt,.ndjson,.jsonl"
                onChange={event => take(event.target.files?.[0])}
            />
            <Button variant="contained" startIcon={<UploadIcon />} onClick={() => input.current?.click()}>
                {translate('karana.operations.import.choose')}
            </Button>
            <Button
                startIcon={<DownloadIcon />}
                onClick={() => save(csv(`${Papa.unparse([columns])}\n`), `${resource}-template.csv`)}
            >
                {translate('karana.operations.import.template')}
            </Button>
            <Typography color="textSecondary">{name ?? translate('karana.operations.import.drop')}</Typography>
        </Box>
    );
};
