import Box from '@mui/material/Box';
import MuiLink from '@mui/material/Link';
import List from '@mui/material/List';
import ListItem from '@mui/material/ListItem';
import Typography from '@mui/material/Typography';
import { ListContextProvider, Pagination, type RaRecord, useGetList, useList, useLocale, useTranslate } from 'react-admin';
import { Link } from 'react-router-dom';
import { RecordLink } from '../../components/RecordLink';
import { Refused } from '../../components/Refused';
import { Section } from '../../components/Section';
import { Time } from '../../components/Time';
import { LIVE } from '../../components/states';
import { ago } from './ago';

interface Karana extends RaRecord {
    name: string;
    owner: string | null;
    status?: { last_seen: string | null };
}

// The most that the server tells at a time: more than these nobody visits first.
const MOST = 500;
const PER_PAGE = 8;
// Always the same one: another one would be told as news, again and again.
const NONE: Karana[] = [];

/** Karanas that are late or offline, the longest silent first. */
export const Silent = ({ state, total }: { state: 'late' | 'offline'; total: number | undefined }) => {
    const [translate, locale] = [useTranslate(), useLocale()];
    const { data, error, refetch } = useGetList<Karana>(
        'karanas',
        {
            filter: { connection: state }, pagination: { page: 1, perPage: MOST }, sort: { field: 'name', order: 'ASC' },
            meta: 'include=status&fields=uuid,name,owner',
        },
        { ...LIVE, enabled: (total ?? 0) > 0 },
    );
    const list = useList<Karana>({
        data: data ?? NONE, resource: 'karanas', perPage: PER_PAGE, sort: { field: 'status.last_seen', order: 'ASC' },
    });
    if (state === 'late' && !total) return null;
    return (
        <Section title={`karana.operations.dashboard.${state}`}>
            {total === 0 && <Typography>{translate('karana.dashboard.nobody')}</Typography>}
            {error && <Refused error={error} onRetry={() => void refetch()} />}
            {total !== 0 && data !== undefined && (
                <ListContextProvider value={list}>
                    {total !== undefined && total > MOST && (
                        <Typography variant="body2">{translate('karana.operations.dashboard.many', { most: MOST })}</Typography>
                    )}
                    <List disablePadding>
                        {list.data?.map(({ id, name, owner, status }) => (
                            <ListItem
                                key={id} divider disableGutters
                                sx={{
                                    display: 'grid', columnGap: 2, rowGap: 1, gridTemplateColumns: { sm: '1fr 1fr 1fr' },
                                    overflowWrap: 'anywhere',
                                }}
                            >
                                <MuiLink component={Link} to={`/karanas/${id}/show`}>{name}</MuiLink>
                                <span>
                                    {owner === null ? translate('karana.stock') : <RecordLink resource="users" uuid={owner} />}
                                </span>
                                <Box component="span" sx={{ typography: 'body2' }}>
                                    {status?.last_seen && (
                                        <>{ago(status.last_seen, Date.now(), locale)}, <Time at={status.last_seen} /></>
                                    )}
                                </Box>
                            </ListItem>
                        ))}
                    </List>
                    {data.length > PER_PAGE && <Pagination rowsPerPageOptions={[]} />}
                </ListContextProvider>
            )}
        </Section>
    );
};
