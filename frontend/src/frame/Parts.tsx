import HistoryIcon from '@mui/icons-material/History';
import InfoIcon from '@mui/icons-material/InfoOutlined';
import SyncIcon from '@mui/icons-material/Sync';
import Box from '@mui/material/Box';
import Divider from '@mui/material/Divider';
import Typography from '@mui/material/Typography';
import { Menu, useResourceDefinitions, useTranslate } from 'react-admin';
import { useStanding } from '../api';

/** The menu: what there is, what happens with it, and what is about oneself and the server. */
export const Parts = () => {
    const [standing, resources, translate] = [useStanding(), useResourceDefinitions(), useTranslate()];
    const records = Object.keys(resources).filter(name => resources[name]?.hasList && name !== 'keys');
    return (
        <Box component="nav" aria-label={translate('karana.frame.menu')}>
            <Typography variant="subtitle2" component="p" sx={{ display: { sm: 'none' }, px: 2, pt: 2 }}>
                {standing?.tenant.name}
            </Typography>
            <Menu>
                <Menu.DashboardItem />
                {records.map(name => <Menu.ResourceItem key={name} name={name} />)}
                <Divider />
                {standing?.sync && <Menu.Item to="/sync" primaryText="karana.frame.sync" leftIcon={<SyncIcon />} />}
                <Menu.Item to="/history" primaryText="karana.frame.history" leftIcon={<HistoryIcon />} />
                <Divider />
                {resources.keys?.hasList && <Menu.ResourceItem name="keys" />}
                <Menu.Item to="/about" primaryText="karana.frame.about" leftIcon={<InfoIcon />} />
            </Menu>
        </Box>
    );
};
