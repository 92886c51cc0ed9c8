import Alert from '@mui/material/Alert';
import Box from '@mui/material/Box';
import Button from '@mui/material/Button';
import Card from '@mui/material/Card';
import CardContent from '@mui/material/CardContent';
import CircularProgress from '@mui/material/CircularProgress';
import Typography from '@mui/material/Typography';
import { Title, useTranslate } from 'react-admin';
import { useSearchParams } from 'react-router-dom';
import { Actor } from '../../components/Actor';
import { Time } from '../../components/Time';
import type { CommitEntry } from '../../past/versions';
import { ChangeOf } from './ChangeOf';
import { Filters } from './Filters';
import { type Filter, useChanges } from './queries';

/** What was done to all records that one may see. What is asked for stands in the address, so that it can be handed on. */
export const TenantHistory = () => {
    const [translate, [address, setAddress]] = [useTranslate(), useSearchParams()];
    const filter: Filter = Object.fromEntries(address);
    const { items, error, isPending, hasNextPage, fetchNextPage, isFetchingNextPage } = useChanges(filter);
    return (
        <Box sx={{ my: 2 }}>
            <Title title="karana.past.title" />
            <Filters filter={filter} onChange={wanted => setAddress(wanted, { replace: true })} />
            {error !== null && <Alert severity="error">{translate(error.message)}</Alert>}
            {isPending && <CircularProgress aria-label={translate('ra.page.loading')} />}
            {items.map(commit => (
                <OneCommit key={commit.revision} commit={commit} />
            ))}
            {/* A page may be short, and have a next one. */}
            {!isPending && error === null && items.length === 0 && !hasNextPage && (
                <Typography>{translate('karana.past.empty')}</Typography>
            )}
            {hasNextPage && (
                <Button onClick={() => void fetchNextPage()} disabled={isFetchingNextPage}>{translate('karana.past.more')}</Button>
            )}
        </Box>
    );
};

const OneCommit = ({ commit }: { commit: CommitEntry }) => {
    const translate = useTranslate();
    const changes = commit.changes ?? [];
    const more = (commit.records ?? 0) - changes.length;
    return (
        <Card sx={{ mb: 1 }} data-revision={commit.revision}>
            <CardContent sx={{ '&:last-child': { pb: 1.5 }, py: 1.5 }}>
                <Typography component="h2" variant="body2" sx={{ color: 'text.secondary' }}>
                    <Time at={commit.time} /> · <Actor actor={commit.actor} author={commit.author} />
                </Typography>
                {changes.map(change => (
                    <ChangeOf key={`${change.resource}/${change.uuid}`} change={change} commit={commit} />
                ))}
                {more > 0 && <Typography variant="body2">{translate('karana.past.more_records', { count: more })}</Typography>}
            </CardContent>
        </Card>
    );
};
