import Box from '@mui/material/Box';
import Button from '@mui/material/Button';
import CircularProgress from '@mui/material/CircularProgress';
import Typography from '@mui/material/Typography';
import { useState } from 'react';
import { Link, useGetResourceLabel, useReference, useTranslate } from 'react-admin';
import { Diff } from '../../components/Diff';
import { useLabels } from '../../components/FieldValue';
import { representation, useDescription } from '../../description';
import { type Change, type Commit, differences, isFields, named } from '../../past/versions';
import { Action } from './Action';
import { Restore } from './Restore';
import { useVersions } from './queries';

/** What one commit did to one record: at first in short, then all of it. */
export const ChangeOf = ({ change, commit }: { change: Change; commit: Commit }) => {
    const [translate, resourceLabel, label] = [useTranslate(), useGetResourceLabel(), useLabels()];
    const [open, setOpen] = useState(false);
    const { resource, uuid, action, patch, secrets = [] } = change;
    // Of then if it is told, or else of now.
    const { referenceRecord: present } = useReference({ reference: resource, id: uuid });
    const made = patch[0]?.value;
    const record = action === 'create' && isFields(made) ? made : present;
    useDescription();
    const name = representation(resource)({ ...record, id: uuid });
    const touched = action === 'update' ? [...named(patch).map(({ source }) => source), ...secrets] : [];
    return (
        <Box sx={{ mt: 1 }}>
            <Box sx={{ display: 'flex', flexWrap: 'wrap', gap: 1, alignItems: 'center' }}>
                <Action of={action} />
                <Link to={`/${resource}/${uuid}/history`}>{resourceLabel(resource, 1)} {name}</Link>
                <Typography variant="body2" component="span" sx={{ overflowWrap: 'anywhere', minWidth: 0 }}>
                    {touched.map(source => label(resource, source)).join(', ')}
                </Typography>
                <Button size="small" aria-expanded={open} onClick={() => setOpen(!open)}>
                    {translate(open ? 'karana.past.hide' : 'karana.past.details')}
                </Button>
            </Box>
            {open && <Details change={change} commit={commit} />}
        </Box>
    );
};

/** Old and new values: the patch has but the new ones, so the past of the record is asked. */
const Details = ({ change: { resource, uuid, action, patch, secrets }, commit: { revision } }: { change: Change; commit: Commit }) => {
    const translate = useTranslate();
    const { versions, isPending } = useVersions(resource, uuid);
    if (isPending) return <CircularProgress size={20} aria-label={translate('ra.page.loading')} />;
    const place = versions.findIndex(({ entry }) => entry.revision === revision);
    const { before, after } = versions[place] ?? {};
    const isKnown = before !== undefined && after !== undefined;
    const previous = versions[place + 1]?.entry;
    return (
        <Box sx={{ mt: 1 }}>
            <Diff
                resource={resource} differences={isKnown ? differences(before, after) : named(patch)} secrets={secrets}
                heads={action === 'create' ? ['karana.past.value'] : action === 'delete' ? ['karana.past.before', 'karana.past.after'] : undefined}
            />
            {action === 'delete' && place === 0 && before && previous && (
                <Restore
                    resource={resource} uuid={uuid} revision={previous.revision} time={previous.time} record={before}
                    label="karana.past.restore_deleted"
                />
            )}
        </Box>
    );
};
