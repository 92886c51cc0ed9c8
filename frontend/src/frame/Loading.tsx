import CircularProgress from '@mui/material/CircularProgress';
import Stack from '@mui/material/Stack';
import { useTranslate } from 'react-admin';
import { Outage } from './Outage';

/** Until it is known who is there. */
export const Loading = () => {
    const translate = useTranslate();
    return (
        <>
            <Outage />
            <Stack sx={{ alignItems: 'center', pt: '30vh' }}>
                <CircularProgress aria-label={translate('ra.page.loading')} />
            </Stack>
        </>
    );
};
