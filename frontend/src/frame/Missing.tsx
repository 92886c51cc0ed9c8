import Button from '@mui/material/Button';
import Stack from '@mui/material/Stack';
import Typography from '@mui/material/Typography';
import { Title, useTranslate } from 'react-admin';
import { Link, useLocation } from 'react-router-dom';

/** For an address without a page. */
export const Missing = () => {
    const [translate, { pathname }] = [useTranslate(), useLocation()];
    return (
        <Stack sx={{ p: 3, gap: 2, alignItems: 'flex-start', maxWidth: 640 }}>
            <Title title="ra.page.not_found" />
            <Typography variant="h6" component="p" sx={{ overflowWrap: 'anywhere' }}>{translate('karana.frame.missing', { path: pathname })}</Typography>
            <Stack direction="row" sx={{ gap: 1 }}>
                <Button variant="contained" component={Link} to="/">{translate('ra.page.dashboard')}</Button>
                <Button onClick={() => window.history.back()}>{translate('ra.action.back')}</Button>
            </Stack>
        </Stack>
    );
};
