import Alert from '@mui/material/Alert';
import Button from '@mui/material/Button';
import { useTranslate } from 'react-admin';

/** What the server refuses, in its own words; or that it does not answer. */
export const Refused = ({ error, onRetry }: { error: unknown; onRetry?: () => void }) => {
    const translate = useTranslate();
    const message = error instanceof Error ? error.message : String(error);
    return (
        <Alert
            severity="error" sx={{ my: 1 }}
            action={onRetry && <Button color="inherit" onClick={onRetry}>{translate('karana.operations.retry')}</Button>}
        >
            {translate(message, { _: message })}
        </Alert>
    );
};
