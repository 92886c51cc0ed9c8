import Box from '@mui/material/Box';
import Typography from '@mui/material/Typography';
import { type ReactNode, Suspense, lazy } from 'react';
import { Title, useTranslate } from 'react-admin';
import { useStanding } from '../../api';
import { Refused } from '../../components/Refused';
import { CONNECTIONS } from '../../lists';
import { Counts } from './Counts';
import { FirstSteps } from './FirstSteps';
import { OwnKaranas } from './OwnKaranas';
import { RecentChanges } from './RecentChanges';
import { Silent } from './Silent';
import { SyncTrouble } from './SyncTrouble';
import { Warnings } from './Warnings';
import { useCounts } from './useCounts';

// With a form and a chart, which are much to load: nothing waits for it.
const Posts = lazy(async () => ({ default: (await import('./Posts')).Posts }));

/** What one sees at once. */
export const Dashboard = () => {
    const [translate, standing] = [useTranslate(), useStanding()];
    const isOwner = standing?.me.role === 'client';
    return (
        <Box sx={{ my: 2, display: 'flex', flexDirection: 'column', gap: 2 }}>
            <Title title="ra.page.dashboard" />
            <Typography variant="h5" component="h1">
                {translate(isOwner ? 'karana.operations.own.title' : 'karana.dashboard.fleet')}
            </Typography>
            {standing !== undefined && (isOwner ? <OwnKaranas /> : <Fleet />)}
        </Box>
    );
};

const Fleet = () => {
    const standing = useStanding();
    const counts = useCounts();
    const totals = CONNECTIONS.map(state => counts[state].total);
    const error = CONNECTIONS.map(state => counts[state].error).find(one => one !== null);
    // What is below the counts depends on them, and does not move afterwards.
    const isKnown = error !== undefined || totals.every(total => total !== undefined);
    const isEmpty = totals.every(total => total === 0);
    return (
        <>
            {error && <Refused error={error} />}
            {standing?.sync && <Warnings />}
            <Counts counts={counts} />
            {isEmpty && <FirstSteps />}
            <Box
                sx={{
                    display: isKnown ? 'grid' : 'none', gap: 2, alignItems: 'start',
                    gridTemplateColumns: { xs: 'minmax(0, 1fr)', lg: '3fr 2fr' },
                }}
            >
                <Column>
                    {!isEmpty && <Silent state="offline" total={counts.offline.total} />}
                    <Silent state="late" total={counts.late.total} />
                    {standing?.sync && <SyncTrouble />}
                </Column>
                <Column>
                    {isKnown && !isEmpty && (
                        <Suspense fallback={null}>
                            <Posts first={counts.online.one} />
                        </Suspense>
                    )}
                    <RecentChanges />
                </Column>
            </Box>
        </>
    );
};

const Column = ({ children }: { children: ReactNode }) => (
    <Box sx={{ display: 'flex', flexDirection: 'column', gap: 2, minWidth: 0 }}>{children}</Box>
);
