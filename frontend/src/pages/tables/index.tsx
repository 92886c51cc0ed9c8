import Box from '@mui/material/Box';
import Typography from '@mui/material/Typography';
import { Title, useGetResourceLabel, useTranslate } from 'react-admin';
import { useParams } from 'react-router-dom';
import { useAnswer, useStanding } from '../../api';
import { abilities } from '../../authProvider';
import { ProgressBar } from '../../components/ProgressBar';
import { Refused } from '../../components/Refused';
import { Import } from './Import';
import type { OpenApi } from './fields';

/** Many records of one file. */
export const ImportPage = () => {
    const { resource = '' } = useParams();
    const [translate, labelOf, standing] = [useTranslate(), useGetResourceLabel(), useStanding()];
    const may = abilities(standing, resource)?.create ?? false;
    const { data: api, error, refetch } = useAnswer<OpenApi>('/openapi.json', { key: ['openapi'], enabled: may });
    const title = translate('karana.operations.import.title', { name: labelOf(resource, 2) });
    return (
        <Box sx={{ my: 2, display: 'flex', flexDirection: 'column', gap: 2 }}>
            <Title title={title} />
            <Typography variant="h5" component="h1">
                {title}
            </Typography>
            {standing !== undefined && !may && <Refused error="karana.operations.import.forbidden" />}
            {error && <Refused error={error} onRetry={() => void refetch()} />}
            {may && api === undefined && !error && <ProgressBar label={translate('ra.page.loading')} done={0} total={0} />}
            {may && api !== undefined && <Import key={resource} resource={resource} api={api} />}
        </Box>
    );
};
