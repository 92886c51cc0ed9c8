import Alert from '@mui/material/Alert';
import Box from '@mui/material/Box';
import Button from '@mui/material/Button';
import List from '@mui/material/List';
import ListItem from '@mui/material/ListItem';
import Typography from '@mui/material/Typography';
import { useResourceDefinitions, useGetResourceLabel, useTranslate } from 'react-admin';
import { ProgressBar } from '../../components/ProgressBar';
import { RecordLink } from '../../components/RecordLink';
import { Refused } from '../../components/Refused';
import { Section } from '../../components/Section';
import { useCounted } from '../../components/useCounted';
import { type Report, overall } from './progress';
import { backEndName } from './standing';
import type { useRun } from './useRun';

/** Syncs now, and shows how far it is and what has failed. */
export const Apply = ({ isRunning, scope, run, report, error, start }: ReturnType<typeof useRun>) => {
    const [translate, labelOf, definitions] = [useTranslate(), useGetResourceLabel(), useResourceDefinitions()];
    const resources = ['users', 'karanas'].filter(name => definitions[name] !== undefined);
    return (
        <Section
            title="karana.operations.sync.apply"
            actions={
                <>
                    <Button variant="contained" disabled={isRunning} onClick={() => void start({})}>
                        {translate('karana.operations.sync.all')}
                    </Button>
                    {resources.map(resource => (
                        <Button key={resource} variant="outlined" disabled={isRunning} onClick={() => void start({ resource })}>
                            {labelOf(resource, 2)}
                        </Button>
                    ))}
                </>
            }
        >
            {!isRunning && report === undefined && error === undefined && (
                <Typography>{translate('karana.operations.sync.explained')}</Typography>
            )}
            {scope?.resource !== undefined && scope.id !== undefined && (
                <Typography><RecordLink resource={scope.resource} uuid={scope.id} /></Typography>
            )}
            {isRunning && <ProgressBar label={translate('karana.operations.sync.running')} {...overall(run)} />}
            <div role="status">{report && <Outcome report={report} />}</div>
            {error && <Refused error={error} />}
            {run.log.length > 0 && (
                <Box
                    tabIndex={0} role="log" aria-label={translate('karana.operations.sync.log')}
                    sx={{ maxHeight: 180, overflow: 'auto', mt: 1, border: 1, borderColor: 'divider', borderRadius: 1 }}
                >
                    <List dense disablePadding>
                        {run.log.map(({ backend, resource, uuid, done }) => (
                            <ListItem key={`${backend} ${done}`} sx={{ gap: 1 }}>
                                <span>{backEndName(backend)}</span>
                                <RecordLink resource={resource} uuid={uuid} />
                            </ListItem>
                        ))}
                    </List>
                </Box>
            )}
        </Section>
    );
};

const Outcome = ({ report }: { report: Report }) => {
    const [translate, counted] = [useTranslate(), useCounted()];
    const away = Object.entries(report.backends).filter(([, { result }]) => result === 'failed');
    const isGood = report.failures.length === 0 && away.length === 0;
    return (
        <>
            <Alert severity={isGood ? 'success' : 'warning'}>
                {report.actions_done === 0
                    ? translate('karana.operations.sync.nothing_done')
                    : counted('karana.operations.sync.done', report.actions_done)}
                {report.failures.length > 0 && ` ${counted('karana.operations.sync.failures', report.failures.length)}`}
            </Alert>
            <List dense>
                {away.map(([backend, { reason }]) => (
                    <ListItem key={backend} disableGutters>{backEndName(backend)}: {reason}</ListItem>
                ))}
                {report.failures.map(({ resource, uuid, reason }) => (
                    <ListItem key={`${uuid} ${reason}`} disableGutters sx={{ gap: 1, flexWrap: 'wrap' }}>
                        <RecordLink resource={resource} uuid={uuid} />
                        <span>{reason}</span>
                    </ListItem>
                ))}
            </List>
        </>
    );
};
