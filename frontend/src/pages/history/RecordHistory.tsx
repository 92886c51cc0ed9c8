import Alert from '@mui/material/Alert';
import Box from '@mui/material/Box';
import Button from '@mui/material/Button';
import Card from '@mui/material/Card';
import CardContent from '@mui/material/CardContent';
import CircularProgress from '@mui/material/CircularProgress';
import Typography from '@mui/material/Typography';
import { Link, Title, useGetResourceLabel, useTranslate } from 'react-admin';
import { useParams } from 'react-router-dom';
import { Actor } from '../../components/Actor';
import { Diff } from '../../components/Diff';
import { Time } from '../../components/Time';
import { representation, useDescription } from '../../description';
import { type Version, differences, named } from '../../past/versions';
import { Action } from './Action';
import { Restore } from './Restore';
import { useVersions } from './queries';

/** What was done to one record, a deleted one too. */
export const RecordHistory = () => {
    const { resource = '', id = '' } = useParams();
    const [translate, label] = [useTranslate(), useGetResourceLabel()];
    const { versions, error, isPending, hasNextPage, fetchNextPage, isFetchingNextPage } = useVersions(resource, id);
    useDescription();
    const latest = versions[0];
    const record = latest?.after ?? latest?.before;
    const name = `${label(resource, 1)} ${record ? representation(resource)({ ...record, id }) : ''}`;
    return (
        <Box sx={{ my: 2 }}>
            <Title title="karana.past.title" />
            <Typography variant="h6" component="h2" gutterBottom sx={{ overflowWrap: 'anywhere' }}>
                {latest?.after === null ? name : <Link to={`/${resource}/${id}/show`}>{name}</Link>}
            </Typography>
            {error !== null && (
                <Alert severity="error">{translate(error.status === 404 ? 'karana.past.gone' : error.message)}</Alert>
            )}
            {isPending && <CircularProgress aria-label={translate('ra.page.loading')} />}
            {versions.map((version, place) => (
                <OneVersion key={version.entry.revision} version={version} isLatest={place === 0} />
            ))}
            {hasNextPage && (
                <Button onClick={() => void fetchNextPage()} disabled={isFetchingNextPage}>{translate('karana.past.more')}</Button>
            )}
        </Box>
    );
};

const OneVersion = ({ version: { entry, before, after }, isLatest }: { version: Version; isLatest: boolean }) => {
    const { resource, uuid, revision, time, action, secrets } = entry;
    const changed = before === undefined || after === undefined ? named(entry.patch) : differences(before, after);
    // Of what was deleted the version before it can be had, which is the next one down.
    const restorable = after !== null && after !== undefined && !isLatest;
    return (
        <Card sx={{ mb: 2 }} data-revision={revision}>
            <CardContent>
                <Typography
                    component="h3" variant="subtitle1"
                    sx={{ display: 'flex', flexWrap: 'wrap', gap: 1, alignItems: 'center', mb: 1 }}
                >
                    <Action of={action} /> <Time at={time} /> <span>·</span>
                    <span><Actor actor={entry.actor} author={entry.author} /></span>
                </Typography>
                {action !== 'delete' && (
                    <Diff
                        resource={resource} differences={changed} secrets={secrets}
                        heads={action === 'create' ? ['karana.past.value'] : undefined}
                    />
                )}
                {restorable && (
                    <Restore
                        resource={resource} uuid={uuid} revision={revision} time={time} record={after} label="karana.past.restore"
                    />
                )}
            </CardContent>
        </Card>
    );
};
