import Typography from '@mui/material/Typography';
import { AppBar, LoadingIndicator, TitlePortal } from 'react-admin';
import { useStanding } from '../api';
import { UserMenu } from './UserMenu';
import { useTitleOfBar } from './title';

export const Bar = () => {
    const standing = useStanding();
    useTitleOfBar();
    return (
        <AppBar alwaysOn toolbar={<LoadingIndicator />} userMenu={<UserMenu />}>
            {/* In one line, so that it is seen where it is cut off. */}
            <TitlePortal variantMapping={{ h6: 'h1' }} sx={{ '& *': { display: 'inline' } }} />
            <Typography variant="body2" noWrap sx={{ display: { xs: 'none', sm: 'block' }, maxWidth: '30%', mx: 1 }}>
                {standing?.tenant.name}
            </Typography>
        </AppBar>
    );
};
