import Box from '@mui/material/Box';
import Button from '@mui/material/Button';
import List from '@mui/material/List';
import ListItem from '@mui/material/ListItem';
import Typography from '@mui/material/Typography';
import { Fragment } from 'react';
import { useGetResourceLabel, useTranslate } from 'react-admin';
import { Link } from 'react-router-dom';
import { useAnswer } from '../../api';
import { useLabels } from '../../components/FieldValue';
import { RecordLink } from '../../components/RecordLink';
import { Refused } from '../../components/Refused';
import { Section } from '../../components/Section';
import { Time } from '../../components/Time';
import { useCounted } from '../../components/useCounted';
import { CHANGES } from '../../lists';
import { type Deed, type Entry, actorOf, deeds } from './changes';

// Of records that were changed at once.
const MOST_RECORDS = 3;

/** Who has changed what, the newest first. */
export const RecentChanges = () => {
    const translate = useTranslate();
    const { data, error, refetch } = useAnswer<{ items: Entry[] }>(`/v2/history?limit=${CHANGES}`, {
        key: ['changes', 'history', CHANGES],
    });
    return (
        <Section
            title="karana.operations.dashboard.changes"
            actions={<Button component={Link} to="/history">{translate('karana.operations.dashboard.all_changes')}</Button>}
        >
            {error && <Refused error={error} onRetry={() => void refetch()} />}
            {data?.items.length === 0 && <Typography>{translate('karana.operations.dashboard.no_changes')}</Typography>}
            <List disablePadding>
                {data?.items.map(entry => (
                    <ListItem key={entry.revision} divider disableGutters sx={{ display: 'block', overflowWrap: 'anywhere' }}>
                        {deeds(entry).map(deed => (
                            <Done key={`${deed.action} ${deed.resource}`} deed={deed} />
                        ))}
                        <Box sx={{ typography: 'body2', color: 'text.secondary' }}>
                            <Author entry={entry} />, <Time at={entry.time} />
                        </Box>
                    </ListItem>
                ))}
            </List>
        </Section>
    );
};

const Done = ({ deed: { resource, action, records, total, fields } }: { deed: Deed }) => {
    const [translate, counted, label, labelOf] = [useTranslate(), useCounted(), useLabels(), useGetResourceLabel()];
    const more = total - Math.min(records.length, MOST_RECORDS);
    return (
        <div>
            {translate(`karana.operations.dashboard.${action}`, { name: labelOf(resource, total) })}:{' '}
            {records.slice(0, MOST_RECORDS).map(({ uuid, name }, at) => (
                <Fragment key={uuid}>
                    {at > 0 && ', '}
                    <RecordLink resource={resource} uuid={uuid} name={name} />
                </Fragment>
            ))}
            {more > 0 && ` ${counted('karana.operations.dashboard.more', more)}`}
            {fields.length > 0 && ` (${fields.map(source => label(resource, source)).join(', ')})`}
        </div>
    );
};

const Author = ({ entry }: { entry: Entry }) => {
    const actor = actorOf(entry);
    return actor ? <RecordLink {...actor} name={entry.author} /> : <>{entry.author || entry.actor}</>;
};
