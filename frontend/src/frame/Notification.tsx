import Button from '@mui/material/Button';
import { useMemo } from 'react';
import {
    NotificationContext, Notification as Notice, type NotificationPayload, useCloseNotification, useNotificationContext,
    useNotify, useTranslate,
} from 'react-admin';
import { client, useStanding } from '../api';
import { type Standing, abilities } from '../authProvider';
import { type Deletion, nextDeletion, undo } from '../past/undo';

// Long enough to read it and to reach for it, in milliseconds.
const TIME = 15_000;

// What react-admin says of every deletion, from whatever button.
const DELETED = /^resources\.(.+)\.notifications\.deleted$/;

/** The messages at the lower edge. One of a deletion can be answered with Undo, which restores what it took. */
export const Notification = () => {
    const [context, standing] = [useNotificationContext(), useStanding()];
    const offering = useMemo(
        () => ({ ...context, takeNotification: () => offered(context.takeNotification(), standing) }), [context, standing],
    );
    return (
        <NotificationContext.Provider value={offering}>
            <Notice />
        </NotificationContext.Provider>
    );
};

function offered(notification: NotificationPayload | void, standing: Standing | undefined): NotificationPayload | void {
    const message = notification?.message;
    const resource = typeof message === 'string' ? DELETED.exec(message)?.[1] : undefined;
    const deletion = resource === undefined ? undefined : nextDeletion(resource);
    // Sessions and keys have no past.
    if (!notification || deletion === undefined || !abilities(standing, deletion.resource)?.create) return notification;
    const options = { ...notification.notificationOptions, autoHideDuration: TIME, action: <Undo deletion={deletion} /> };
    return { ...notification, notificationOptions: options };
}

const Undo = ({ deletion }: { deletion: Deletion }) => {
    const [translate, notify, close] = [useTranslate(), useNotify(), useCloseNotification()];
    const bringBack = async () => {
        close();
        try {
            await undo(client, deletion);
            notify('karana.past.restored', { type: 'success', messageArgs: { smart_count: deletion.ids.length } });
        } catch (error) {
            notify(error instanceof Error ? error.message : 'ra.notification.http_error', { type: 'error' });
        }
    };
    return (
        <Button size="small" color="inherit" onClick={() => void bringBack()}>
            {translate('ra.action.undo')}
        </Button>
    );
};
