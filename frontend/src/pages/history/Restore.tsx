import Button from '@mui/material/Button';
import CircularProgress from '@mui/material/CircularProgress';
import Dialog from '@mui/material/Dialog';
import DialogActions from '@mui/material/DialogActions';
import DialogContent from '@mui/material/DialogContent';
import DialogTitle from '@mui/material/DialogTitle';
import RestoreIcon from '@mui/icons-material/Restore';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useLocale, useNotify, useTranslate } from 'react-admin';
import { client, useStanding } from '../../api';
import { abilities } from '../../authProvider';
import { Refusal } from '../../client';
import { translated } from '../../dataProvider';
import { Diff } from '../../components/Diff';
import { useFields } from '../../components/FieldValue';
import { regional } from '../../language/region';
import { type Fields, differences } from '../../past/versions';

interface Props {
    resource: string;
    uuid: string;
    /** The record is to be as it was after this. */
    revision: string;
    time: string;
    record: Fields;
    label: string;
}

/** Brings a record back to a version, after it was shown what that would change. */
export const Restore = (props: Props) => {
    const [translate, standing] = [useTranslate(), useStanding()];
    const [open, setOpen] = useState(false);
    const may = abilities(standing, props.resource);
    if (!may?.update && !may?.create) return null;
    return (
        <>
            <Button size="small" startIcon={<RestoreIcon />} onClick={() => setOpen(true)}>
                {translate(props.label)}
            </Button>
            {open && <Preview {...props} close={() => setOpen(false)} />}
        </>
    );
};

interface Present {
    record: Fields | null;
    etag: string | null;
}

const present = async (path: string): Promise<Present> => {
    try {
        const { body, etag } = await client.request(path);
        return { record: body as Fields, etag };
    } catch (error) {
        if (error instanceof Refusal && error.status === 404) return { record: null, etag: null };
        throw translated(error);
    }
};

const Preview = ({ resource, uuid, revision, time, record, close }: Props & { close: () => void }) => {
    const [translate, locale, notify, fields] = [useTranslate(), useLocale(), useNotify(), useFields(resource)];
    const path = `/v2/${resource}/${uuid}`;
    const { data, error } = useQuery<Present, Error>({
        queryKey: [resource, 'present', uuid], queryFn: () => present(path), retry: false, gcTime: 0,
    });
    const [busy, setBusy] = useState(false);
    // A version has no secrets, and restoring it leaves them as they are.
    const changed = data && differences(data.record, record).filter(({ source }) => !fields.get(source)?.secret);
    const restore = async () => {
        setBusy(true);
        try {
            await client.request(`${path}/restore`, { method: 'POST', body: { revision }, ifMatch: data?.etag ?? undefined });
            notify('karana.past.restored', { type: 'success', messageArgs: { smart_count: 1 } });
            close();
        } catch (refusal) {
            const shown = translated(refusal);
            notify(shown instanceof Error ? shown.message : 'ra.notification.http_error', { type: 'error' });
            setBusy(false);
        }
    };
    const at = new Date(time).toLocaleString(regional(locale), { dateStyle: 'medium', timeStyle: 'short' });
    return (
        <Dialog open onClose={close} fullWidth maxWidth="md" aria-labelledby="restore-title">
            <DialogTitle id="restore-title">{translate('karana.past.restore_title', { time: at })}</DialogTitle>
            <DialogContent>
                {error !== null && translate(error.message)}
                {error === null && changed === undefined && <CircularProgress aria-label={translate('ra.page.loading')} />}
                {changed?.length === 0 && translate('karana.past.restore_same')}
                {changed !== undefined && changed.length > 0 && (
                    <Diff
                        resource={resource} differences={changed}
                        heads={data?.record === null ? ['karana.past.then'] : ['karana.past.now', 'karana.past.then']}
                    />
                )}
            </DialogContent>
            <DialogActions>
                <Button onClick={close}>{translate('ra.action.cancel')}</Button>
                <Button variant="contained" disabled={busy || !changed?.length} onClick={() => void restore()}>
                    {translate('karana.past.restore_deleted')}
                </Button>
            </DialogActions>
        </Dialog>
    );
};
