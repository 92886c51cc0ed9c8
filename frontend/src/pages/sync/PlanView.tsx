import Box from '@mui/material/Box';
import Button from '@mui/material/Button';
import List from '@mui/material/List';
import ListItem from '@mui/material/ListItem';
import Typography from '@mui/material/Typography';
import { useState } from 'react';
import { Confirm, useNotify, useTranslate } from 'react-admin';
import { client, useAnswer, useStanding } from '../../api';
import { ProgressBar } from '../../components/ProgressBar';
import { RecordLink } from '../../components/RecordLink';
import { Refused } from '../../components/Refused';
import { Section } from '../../components/Section';
import { StateChip } from '../../components/StateChip';
import { useCounted } from '../../components/useCounted';
import { type Orphan, type Plan, grouped, orphanPath } from './plan';
import { backEndName } from './standing';

// More than these nobody reads before a run.
const MOST = 100;

/** What a run would do, and why; and what belongs to no record. It asks the back ends for everything: only when it is wanted. */
export const PlanView = () => {
    const [translate, counted] = [useTranslate(), useCounted()];
    const [isWanted, setWanted] = useState(false);
    const { data, error, isFetching, refetch } = useAnswer<Plan>('/v2/sync/plan', {
        key: ['plan'], enabled: isWanted,
    });
    const groups = data === undefined ? [] : grouped(data);
    const ask = () => (isWanted ? void refetch() : setWanted(true));
    return (
        <>
            <Section
                title="karana.operations.sync.plan"
                actions={
                    <Button variant="outlined" disabled={isFetching} onClick={ask}>
                        {translate(`karana.operations.sync.${data ? 'plan_again' : 'plan_show'}`)}
                    </Button>
                }
            >
                {isFetching && <ProgressBar label={translate('karana.operations.sync.planning')} done={0} total={0} />}
                {error && !isFetching && <Refused error={error} onRetry={ask} />}
                <div role="status">
                    {data !== undefined && groups.length === 0 && (
                        <Typography>{translate('karana.operations.sync.plan_empty')}</Typography>
                    )}
                    {groups.length > 0 && (
                        <Typography>
                            {counted('karana.operations.sync.steps', (data?.actions.length ?? 0) + (data?.drift.length ?? 0))}
                        </Typography>
                    )}
                </div>
                <List disablePadding>
                    {groups.slice(0, MOST).map(({ resource, uuid, steps }) => (
                        <ListItem
                            key={`${resource}/${uuid}`} divider disableGutters sx={{ display: 'block', overflowWrap: 'anywhere' }}
                        >
                            <RecordLink resource={resource} uuid={uuid} />
                            <Box component="ul" sx={{ my: 0, pl: 3, typography: 'body2' }}>
                                {steps.map(({ backend, action, reason, isDrift }, at) => (
                                    <li key={at}>
                                        {backEndName(backend)}: {action} ({reason}){' '}
                                        {isDrift && <StateChip kind="warning" label={translate('karana.operations.sync.drift')} />}
                                    </li>
                                ))}
                            </Box>
                        </ListItem>
                    ))}
                </List>
                {groups.length > MOST && (
                    <Typography>{counted('karana.operations.sync.more_records', groups.length - MOST)}</Typography>
                )}
            </Section>
            {data !== undefined && data.orphans.length > 0 && (
                <Orphans orphans={data.orphans} onDropped={() => void refetch()} />
            )}
        </>
    );
};

const Orphans = ({ orphans, onDropped }: { orphans: Orphan[]; onDropped: () => void }) => {
    const [translate, notify, standing] = [useTranslate(), useNotify(), useStanding()];
    const [doomed, setDoomed] = useState<Orphan>();
    const [isBusy, setBusy] = useState(false);
    const drop = async (orphan: Orphan) => {
        setBusy(true);
        try {
            await client.request(orphanPath(orphan), { method: 'DELETE' });
            notify('karana.operations.sync.dropped', { messageArgs: { name: orphan.name } });
            onDropped();
        } catch (error) {
            notify((error as Error).message, { type: 'error' });
        } finally {
            setBusy(false);
            setDoomed(undefined);
        }
    };
    return (
        <Section title="karana.operations.sync.orphans">
            <Typography>{translate('karana.operations.sync.orphans_explained')}</Typography>
            <List disablePadding>
                {orphans.map(orphan => (
                    <ListItem
                        key={orphanPath(orphan)} divider disableGutters sx={{ gap: 1, flexWrap: 'wrap', overflowWrap: 'anywhere' }}
                    >
                        <Box sx={{ flex: 1, minWidth: 200 }}>
                            {backEndName(orphan.backend)}, {orphan.kind}: <code>{orphan.name}</code>
                        </Box>
                        {standing?.me.role === 'admin' && (
                            <Button color="error" variant="outlined" onClick={() => setDoomed(orphan)}>
                                {translate('karana.operations.sync.drop')}
                            </Button>
                        )}
                    </ListItem>
                ))}
            </List>
            <Confirm
                isOpen={doomed !== undefined} loading={isBusy} confirmColor="warning"
                title="karana.operations.sync.drop_title" content="karana.operations.sync.drop_content"
                translateOptions={{ name: doomed?.name, kind: doomed?.kind }}
                confirm="karana.operations.sync.drop"
                onConfirm={() => doomed && void drop(doomed)} onClose={() => setDoomed(undefined)}
            />
        </Section>
    );
};
