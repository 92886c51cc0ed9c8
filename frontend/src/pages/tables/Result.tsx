import Alert from '@mui/material/Alert';
import Box from '@mui/material/Box';
import Button from '@mui/material/Button';
import { useNotify, useTranslate } from 'react-admin';
import { Link } from 'react-router-dom';
import { client, useStanding } from '../../api';
import { RecordLink } from '../../components/RecordLink';
import { csv, save } from '../../components/download';
import { useCounted } from '../../components/useCounted';
import { credentials } from './credentials';

// More than these nobody clicks through.
const MOST_LINKS = 20;

/** What has been made, and what to do with it. */
export const Result = ({ resource, made, refused, onAgain }: {
    resource: string; made: string[]; refused: number; onAgain: () => void;
}) => {
    const [translate, counted, notify, standing] = [useTranslate(), useCounted(), useNotify(), useStanding()];
    const download = async () => {
        try {
            save(csv(await credentials(client, made, standing?.influxdb ?? null)), 'credentials.csv');
        } catch (error) {
            notify((error as Error).message, { type: 'error' });
        }
    };
    return (
        <>
            <Alert severity={refused > 0 ? 'warning' : 'success'} sx={{ mb: 2 }}>
                {counted('karana.operations.import.made', made.length)}
                {refused > 0 && ` ${counted('karana.operations.import.refused', refused)}`}
            </Alert>
            <Box component="ul" sx={{ columns: '16em', m: 0, pl: 3 }}>
                {made.slice(0, MOST_LINKS).map(uuid => (
                    <li key={uuid}>
                        <RecordLink resource={resource} uuid={uuid} />
                    </li>
                ))}
                {made.length > MOST_LINKS && <li>… {counted('karana.operations.import.more', made.length - MOST_LINKS)}</li>}
            </Box>
            <Box sx={{ display: 'flex', flexWrap: 'wrap', gap: 1, mt: 2 }}>
                {resource === 'karanas' && made.length > 0 && (
                    <Button variant="contained" onClick={() => void download()}>
                        {translate('karana.operations.import.credentials')}
                    </Button>
                )}
                <Button component={Link} to={`/${resource}`}>
                    {translate('karana.operations.import.to_list')}
                </Button>
                <Button onClick={onAgain}>{translate('karana.operations.import.again')}</Button>
            </Box>
        </>
    );
};
