import Button from '@mui/material/Button';
import Stack from '@mui/material/Stack';
import Typography from '@mui/material/Typography';
import { type ErrorProps, Title, useTranslate } from 'react-admin';

// Of a part of the page that cannot be loaded: mostly it is one of an older page, which the server has no more.
const NOT_LOADED = /dynamically imported module|module script|preload/i;

/** A page that cannot be shown. */
export const Failure = ({ error }: Pick<ErrorProps, 'error'>) => {
    const translate = useTranslate();
    const outdated = NOT_LOADED.test(error.message);
    return (
        <Stack sx={{ p: 3, gap: 2, alignItems: 'flex-start', maxWidth: 640 }}>
            <Title title="ra.page.error" />
            <Typography variant="h5" component="h2" role="alert">
                {translate(outdated ? 'karana.frame.outdated' : 'ra.page.error')}
            </Typography>
            <Typography>{translate(outdated ? 'karana.frame.outdated_help' : 'karana.frame.failed')}</Typography>
            {!outdated && (
                <Typography component="code" sx={{ fontFamily: 'monospace', overflowWrap: 'anywhere' }}>
                    {translate(error.message)}
                </Typography>
            )}
            <Stack direction="row" sx={{ gap: 1 }}>
                <Button variant="contained" onClick={() => window.location.reload()}>
                    {translate('karana.frame.reload')}
                </Button>
                <Button onClick={() => window.history.back()}>{translate('ra.action.back')}</Button>
            </Stack>
        </Stack>
    );
};
