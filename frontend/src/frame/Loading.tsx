import CircularProgress from '@mui/material/CircularProgress';
import Stack from '@mui/material/Stack';
import { useTranslate } from 'react-admin';
import { Outage } from './Outage';

/** Until a part of the page has come. */
export const Waiting = () => {
    const translate = useTranslate();
    return (
        <Stack sx={{ alignItems: 'center', pt: '30vh' }}>
            <CircularProgress aria-label={translate('ra.page.loading')} />
        </Stack>
    );
};

/** Until it is known who is there. */
export const Loading = () => (
    <>
        <Outage />
        <Waiting />
    </>
);
