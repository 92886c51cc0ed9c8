import KeyIcon from '@mui/icons-material/VpnKey';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { Button, Confirm, useNotify, useRecordContext, useRefresh, useTranslate } from 'react-admin';
import { client } from '../../api';
import { translated } from '../../dataProvider';
import type { User } from './user';

/** New passwords in InfluxDB and Grafana. */
export const RotateButton = () => {
    const [translate, notify, refresh, user] = [useTranslate(), useNotify(), useRefresh(), useRecordContext<User>()];
    const [isOpen, setOpen] = useState(false);
    const { mutate, isPending } = useMutation({
        mutationFn: ({ id, _etag }: User) => client.request(`/v2/users/${id}/rotate`, { method: 'POST', ifMatch: _etag }),
        onSuccess: () => {
            notify('karana.fleet.owner.rotate.done', { type: 'success' });
            refresh();
        },
        onError: error => notify((translated(error) as Error).message, { type: 'error' }),
        onSettled: () => setOpen(false),
    });
    if (user === undefined) return null;
    return (
        <>
            <Button label="karana.fleet.owner.rotate.action" onClick={() => setOpen(true)}>
                <KeyIcon />
            </Button>
            <Confirm
                isOpen={isOpen} loading={isPending} onConfirm={() => mutate(user)} onClose={() => setOpen(false)}
                title={translate('karana.fleet.owner.rotate.title', { name: user.name || user.email })}
                content="karana.fleet.owner.rotate.content" confirm="karana.fleet.owner.rotate.action"
            />
        </>
    );
};
