import Box from '@mui/material/Box';
import Button from '@mui/material/Button';
import Card from '@mui/material/Card';
import CardContent from '@mui/material/CardContent';
import MuiLink from '@mui/material/Link';
import Typography from '@mui/material/Typography';
import {
    ListContextProvider, Pagination, RecordContextProvider, type RaRecord, useListController, useLocale, useTranslate,
} from 'react-admin';
import { Link } from 'react-router-dom';
import { useStanding } from '../../api';
import { ProgressBar } from '../../components/ProgressBar';
import { Refused } from '../../components/Refused';
import { Sparkline } from '../../components/Sparkline';
import { Time } from '../../components/Time';
import { Connection, LIVE } from '../../components/states';
import { OWN } from '../../lists';
import { ago } from './ago';

/** What owners come for: how their karanas do, and where the measurements are. */
export const OwnKaranas = () => {
    const [translate, standing] = [useTranslate(), useStanding()];
    const list = useListController({
        resource: 'karanas', perPage: OWN, sort: { field: 'name', order: 'ASC' }, disableSyncWithLocation: true,
        storeKey: false, queryOptions: LIVE,
    });
    return (
        <>
            {standing?.grafana && (
                <Button
                    variant="contained" href={standing.grafana.url} target="_blank" rel="noopener" sx={{ alignSelf: 'start' }}
                >
                    {translate('karana.operations.own.grafana')}
                </Button>
            )}
            {list.error && <Refused error={list.error} onRetry={() => void list.refetch()} />}
            {list.isPending && !list.error && <ProgressBar label={translate('ra.page.loading')} done={0} total={0} />}
            {list.total === 0 && <Typography>{translate('karana.operations.own.none')}</Typography>}
            <ListContextProvider value={list}>
                <Box sx={{ display: 'grid', gap: 2, gridTemplateColumns: 'repeat(auto-fill, minmax(min(100%, 260px), 1fr))' }}>
                    {list.data?.map(karana => (
                        <RecordContextProvider key={karana.id} value={karana}>
                            <Own karana={karana} />
                        </RecordContextProvider>
                    ))}
                </Box>
                {(list.total ?? 0) > OWN && <Pagination rowsPerPageOptions={[]} />}
            </ListContextProvider>
        </>
    );
};

const Own = ({ karana }: { karana: RaRecord }) => {
    const [translate, locale] = [useTranslate(), useLocale()];
    const seen = karana.status?.last_seen as string | null | undefined;
    return (
        <Card>
            <CardContent>
                <Typography variant="h6" component="h2" sx={{ overflowWrap: 'anywhere' }}>
                    <MuiLink component={Link} to={`/karanas/${karana.id}/show`}>{String(karana.name)}</MuiLink>
                </Typography>
                <Connection />
                <Typography variant="body2" sx={{ my: 1 }}>
                    {translate('resources.karanas.fields.last_seen')}:{' '}
                    {seen ? <>{ago(seen, Date.now(), locale)}, <Time at={seen} /></> : translate('karana.never')}
                </Typography>
                <Sparkline karana={String(karana.id)} name={String(karana.name)} />
            </CardContent>
        </Card>
    );
};
