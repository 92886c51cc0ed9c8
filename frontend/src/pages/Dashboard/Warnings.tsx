import Alert from '@mui/material/Alert';
import Button from '@mui/material/Button';
import { useTranslate } from 'react-admin';
import { Link } from 'react-router-dom';
import { useAnswer, useStanding } from '../../api';
import type { About } from '../../authProvider';
import { Time } from '../../components/Time';
import { type Destination, isInTrouble } from '../sync/webhooks';
import { backupBehind } from './troubles';

const OFTEN = 60_000;

/** What is wrong with the server itself, for those who can see to it. */
export const Warnings = () => {
    const translate = useTranslate();
    const { data: about } = useAnswer<About>('/v2/about', {
        key: ['about'], refetchInterval: OFTEN, initialData: useStanding(), staleTime: OFTEN,
    });
    const { data: webhooks } = useAnswer<{ destinations: Destination[] }>('/v2/webhooks', {
        key: ['webhooks'], refetchInterval: OFTEN,
    });
    const backup = about?.health && backupBehind(about.health);
    const refusing = webhooks?.destinations.filter(isInTrouble) ?? [];
    return (
        <>
            {about?.health?.store.takes_writes === false && (
                <Alert severity="error">{translate('karana.operations.dashboard.no_writes')}</Alert>
            )}
            {backup && (
                <Alert severity="warning">
                    {translate('karana.operations.dashboard.backup')}
                    {backup.behind_since && <> (<Time at={backup.behind_since} />)</>}
                    {backup.error && <>: {backup.error.reason}</>}
                </Alert>
            )}
            {refusing.map(({ id, url, last_failure }) => (
                <Alert
                    key={id} severity="warning"
                    action={
                        <Button color="inherit" component={Link} to="/sync">
                            {translate('karana.operations.dashboard.details')}
                        </Button>
                    }
                >
                    {translate('karana.operations.dashboard.webhook', { url })}: {last_failure?.reason}
                </Alert>
            ))}
        </>
    );
};
