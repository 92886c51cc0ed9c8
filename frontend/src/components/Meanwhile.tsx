import Alert from '@mui/material/Alert';
import AlertTitle from '@mui/material/AlertTitle';
import Box from '@mui/material/Box';
import Button from '@mui/material/Button';
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import {
    type RaRecord, setSubmissionErrors, useDataProvider, useEditContext, useNotify, useRedirect, useTranslate,
} from 'react-admin';
import { type FieldValues, useFormContext, useWatch } from 'react-hook-form';
import { client } from '../api';
import { type Choice, type Clash, compared, merged } from '../past/threeWay';
import { restoreDeleted } from '../past/undo';
import type { Fields } from '../past/versions';
import { Actor } from './Actor';
import { Clashes } from './Clashes';
import { OPENED } from './opened';
import { Time } from './Time';
import { type Newer, useMeanwhile } from './useMeanwhile';

/** In an open form: says that its record was changed or deleted meanwhile, and what can be done about it. */
export const Meanwhile = () => {
    const { record, saving } = useEditContext();
    const newer = useMeanwhile(record);
    // What one's own save has changed is no news.
    if (record === undefined || newer === undefined || saving) return null;
    return newer.record === null ? <Deleted opened={record} newer={newer} /> : <Changed opened={record} theirs={newer.record} newer={newer} />;
};

/** Puts another version in the place of the one that the form was opened with; the fields that were written in keep their text. */
function useRebase() {
    const [queries, { resource, record }] = [useQueryClient(), useEditContext()];
    return (to: RaRecord) =>
        queries.setQueryData([resource, 'getOne', { id: String(record?.id), meta: OPENED.meta }], to);
}

const Title = ({ text, newer }: { text: string; newer: Newer }) => {
    const translate = useTranslate();
    return (
        <AlertTitle>
            {translate(text)}
            {newer.entry && (
                <> <Actor actor={newer.entry.actor} author={newer.entry.author} />, <Time at={newer.entry.time} /></>
            )}
        </AlertTitle>
    );
};

const Changed = ({ opened, theirs, newer }: { opened: RaRecord; theirs: Fields & RaRecord; newer: Newer }) => {
    const [translate, form, rebase] = [useTranslate(), useFormContext(), useRebase()];
    const { save, resource } = useEditContext();
    const mine: FieldValues = useWatch();
    const [choices, setChoices] = useState<Record<string, Choice>>({});
    const [waiting, setWaiting] = useState<RaRecord>();
    const clashes = compared(opened as Fields, theirs, mine as Fields);
    const isMine = ({ source, by }: Clash) => by === 'me' || (by === 'both' && choices[source] !== 'theirs');

    // It can be saved once the form stands on their version.
    useEffect(() => {
        if (waiting === undefined || save === undefined || opened._etag !== waiting._etag) return;
        setWaiting(undefined);
        void Promise.resolve(save(waiting)).then(errors => {
            if (errors) setSubmissionErrors(errors, form.setError);
        });
    }, [waiting, opened, save, form]);

    const keepMine = () => {
        setWaiting(merged(theirs, clashes, choices) as Fields & RaRecord);
        for (const clash of clashes) if (!isMine(clash)) form.resetField(clash.source);
        rebase(theirs);
    };
    const takeTheirs = () => {
        form.reset();
        rebase(theirs);
    };
    return (
        <Alert severity="warning" sx={{ width: '100%', mb: 2, boxSizing: 'border-box', '& .MuiAlert-message': { minWidth: 0 } }}>
            <Title text="karana.past.changed_by" newer={newer} />
            <Clashes
                resource={resource} clashes={clashes} choices={choices}
                choose={(source, choice) => setChoices({ ...choices, [source]: choice })}
            />
            <Box sx={{ display: 'flex', flexWrap: 'wrap', gap: 1, mt: 1 }}>
                {clashes.some(isMine) && (
                    <Button color="inherit" variant="outlined" onClick={keepMine}>
                        {translate(clashes.some(({ by }) => by === 'both') ? 'karana.past.save_chosen' : 'karana.past.keep_mine')}
                    </Button>
                )}
                <Button color="inherit" variant="outlined" onClick={takeTheirs}>
                    {translate('karana.past.take_theirs')}
                </Button>
            </Box>
        </Alert>
    );
};

const Deleted = ({ opened, newer }: { opened: RaRecord; newer: Newer }) => {
    const [translate, notify, redirect, data, rebase] = [useTranslate(), useNotify(), useRedirect(), useDataProvider(), useRebase()];
    const { resource } = useEditContext();
    const restore = async () => {
        try {
            await restoreDeleted(client, { resource, uuid: String(opened.id) });
            rebase((await data.getOne(resource, { id: opened.id })).data);
        } catch (error) {
            notify(error instanceof Error ? error.message : 'ra.notification.http_error', { type: 'error' });
        }
    };
    return (
        <Alert severity="error" sx={{ width: '100%', mb: 2, boxSizing: 'border-box' }}>
            <Title text="karana.past.deleted_by" newer={newer} />
            <Box sx={{ display: 'flex', flexWrap: 'wrap', gap: 1, mt: 1 }}>
                <Button color="inherit" variant="outlined" onClick={() => void restore()}>
                    {translate('karana.past.restore_and_go_on')}
                </Button>
                <Button color="inherit" variant="outlined" onClick={() => redirect('list', resource)}>
                    {translate('karana.past.leave')}
                </Button>
            </Box>
        </Alert>
    );
};
