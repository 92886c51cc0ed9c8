import Alert from '@mui/material/Alert';
import { Button, useShowContext, useTranslate } from 'react-admin';

/** In the place of a record that cannot be shown: why, and another try. */
export const Absent = () => {
    const translate = useTranslate();
    const { error, refetch } = useShowContext();
    if (error === null || error === undefined) return null;
    const why = (error as { status?: number }).status === 404 ? 'ra.notification.item_doesnt_exist' : error.message;
    return (
        <Alert severity="error" sx={{ m: 2 }} action={<Button label="ra.action.refresh" onClick={() => void refetch()} />}>
            {translate(why, { _: why })}
        </Alert>
    );
};
