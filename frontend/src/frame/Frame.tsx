import HistoryIcon from '@mui/icons-material/History';
import InfoIcon from '@mui/icons-material/InfoOutlined';
import SyncIcon from '@mui/icons-material/Sync';
import type { ReactNode } from 'react';
import { Layout, Menu, useResourceDefinitions } from 'react-admin';
import { useStanding } from '../api';
import { useFreshness } from '../live';

const Parts = () => {
    const [standing, resources] = [useStanding(), useResourceDefinitions()];
    return (
        <Menu>
            <Menu.DashboardItem />
            {Object.keys(resources).filter(name => resources[name]?.hasList).map(name => (
                <Menu.ResourceItem key={name} name={name} />
            ))}
            {standing?.sync && <Menu.Item to="/sync" primaryText="karana.frame.sync" leftIcon={<SyncIcon />} />}
            <Menu.Item to="/history" primaryText="karana.frame.history" leftIcon={<HistoryIcon />} />
            <Menu.Item to="/about" primaryText="karana.frame.about" leftIcon={<InfoIcon />} />
        </Menu>
    );
};

/** What surrounds every page. */
export const Frame = ({ children }: { children: ReactNode }) => {
    useFreshness();
    return <Layout menu={Parts}>{children}</Layout>;
};
