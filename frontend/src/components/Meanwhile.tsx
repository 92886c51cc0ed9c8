import Alert from '@mui/material/Alert';
import AlertTitle from '@mui/material/AlertTitle';
import Box from '@mui/material/Box';
import Button from '@mui/material/Button';
import { useQueryClient } from '@tanstack/react-query';
import { useContext, useEffect, useState } from 'react';
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
import { MayGo, useGiveUp } from './unsaved';
import { type Newer, useMeanwhile } from './useMeanwhile';

/** In an open form: says that its record was changed or deleted meanwhile, and what can be done about it. */
export const Meanwhile = () => {
    const { record, saving } = useEditContext();
    const { newer, look } = useMeanwhile(record);
    const [rebase, saveOn] = [useRebase(), useSaveOn()];
    // What one's own save has changed is no news.
    if (record === undefined || newer === undefined || saving) return null;
    if (newer.record === null) return <Deleted opened={record} newer={newer} rebase={rebase} look={look} />;
    return <Changed opened={record} theirs={newer.record} newer={newer} rebase={rebase} saveOn={saveOn} />;
};

const WIDE = { width: '100%', mb: 2, boxSizing: 'border-box', '& .MuiAlert-message': { minWidth: 0, flex: 1 } };

type Rebase = (to: RaRecord) => void;

/** Puts another version in the place of the one that the form was opened with; the fields that were written in keep their text. */
function useRebase(): Rebase {
    const [queries, { resource, record }] = [useQueryClient(), useEditContext()];
    return to => queries.setQueryData([resource, 'getOne', { id: String(record?.id), meta: OPENED.meta }], to);
}

/** Saves a record as soon as the form stands on the version that it is made from. */
function useSaveOn() {
    const [{ record, save }, { setError }, sayMayGo] = [useEditContext(), useFormContext(), useContext(MayGo)];
    const [waiting, setWaiting] = useState<RaRecord>();
    useEffect(() => {
        if (waiting === undefined || save === undefined || record?._etag !== waiting._etag) return;
        setWaiting(undefined);
        // What is in the form is saved with it.
        sayMayGo(true);
        void Promise.resolve(save(waiting)).then(errors => {
            sayMayGo(false);
            if (errors) setSubmissionErrors(errors, setError);
        });
    }, [waiting, record, save, setError, sayMayGo]);
    return setWaiting;
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

interface ChangedProps {
    opened: RaRecord;
    theirs: Fields & RaRecord;
    newer: Newer;
    rebase: Rebase;
    saveOn: (record: RaRecord) => void;
}

const Changed = ({ opened, theirs, newer, rebase, saveOn }: ChangedProps) => {
    const [translate, form, { resource }] = [useTranslate(), useFormContext(), useEditContext()];
    const mine: FieldValues = useWatch();
    const [choices, setChoices] = useState<Record<string, Choice>>({});
    const clashes = compared(opened as Fields, theirs, mine as Fields);
    const isMine = ({ source, by }: Clash) => by === 'me' || (by === 'both' && choices[source] !== 'theirs');

    const keepMine = () => {
        saveOn(merged(theirs, clashes, choices) as Fields & RaRecord);
        for (const clash of clashes) if (!isMine(clash)) form.resetField(clash.source);
        rebase(theirs);
    };
    const takeTheirs = () => {
        form.reset();
        rebase(theirs);
    };
    return (
        <Alert severity="warning" sx={WIDE}>
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

interface DeletedProps extends Pick<ChangedProps, 'opened' | 'newer' | 'rebase'> {
    look: () => Promise<void>;
}

const Deleted = ({ opened, newer, rebase, look }: DeletedProps) => {
    const [translate, notify, redirect, data] = [useTranslate(), useNotify(), useRedirect(), useDataProvider()];
    const [giveUp, { resource }] = [useGiveUp(), useEditContext()];
    const leave = () => {
        giveUp();
        redirect('list', resource);
    };
    const restore = async () => {
        try {
            await restoreDeleted(client, { resource, uuid: String(opened.id) });
            rebase((await data.getOne(resource, { id: opened.id })).data);
            await look();
        } catch (error) {
            notify(error instanceof Error ? error.message : 'ra.notification.http_error', { type: 'error' });
        }
    };
    return (
        <Alert severity="error" sx={WIDE}>
            <Title text="karana.past.deleted_by" newer={newer} />
            <Box sx={{ display: 'flex', flexWrap: 'wrap', gap: 1, mt: 1 }}>
                <Button color="inherit" variant="outlined" onClick={() => void restore()}>
                    {translate('karana.past.restore_and_go_on')}
                </Button>
                <Button color="inherit" variant="outlined" onClick={leave}>
                    {translate('karana.past.leave')}
                </Button>
            </Box>
        </Alert>
    );
};
