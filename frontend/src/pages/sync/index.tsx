import Box from '@mui/material/Box';
import Typography from '@mui/material/Typography';
import { Title, useTranslate } from 'react-admin';
import { useSearchParams } from 'react-router-dom';
import { useAnswer, useStanding } from '../../api';
import { ProgressBar } from '../../components/ProgressBar';
import { Refused } from '../../components/Refused';
import { Apply } from './Apply';
import { BackEnds } from './BackEnds';
import { PlanView } from './PlanView';
import { Records } from './Records';
import { Webhooks } from './Webhooks';
import { type Overview, STATES, type State } from './standing';
import { useRun } from './useRun';

/** How records stand with the back ends, and what can be done about it. */
export const SyncPage = () => {
    const [translate, standing] = [useTranslate(), useStanding()];
    return (
        <Box sx={{ my: 2, display: 'flex', flexDirection: 'column', gap: 2 }}>
            <Title title="karana.frame.sync" />
            <Typography variant="h5" component="h1">
                {translate('karana.frame.sync')}
            </Typography>
            {standing !== undefined && (standing.sync ? <Content /> : <Refused error="karana.operations.sync.forbidden" />)}
        </Box>
    );
};

const Content = () => {
    const translate = useTranslate();
    const run = useRun();
    const [parameters, setParameters] = useSearchParams();
    const { data, error, refetch } = useAnswer<Overview>('/v2/sync?limit=1', { key: ['changes', 'sync'], refetchInterval: 10_000 });
    const state = STATES.find(one => one === parameters.get('state')) ?? null;
    const choose = (chosen: State | null) => setParameters(chosen === null ? {} : { state: chosen }, { replace: true });
    return (
        <>
            {error && <Refused error={error} onRetry={() => void refetch()} />}
            {data === undefined && !error && <ProgressBar label={translate('ra.page.loading')} done={0} total={0} />}
            {data !== undefined && (
                <>
                    <BackEnds backends={data.backends} />
                    <Apply {...run} />
                    <Records
                        overview={data} state={state} onState={choose} isRunning={run.isRunning}
                        onSync={scope => void run.start(scope)}
                    />
                    <PlanView />
                </>
            )}
            <Webhooks />
        </>
    );
};
