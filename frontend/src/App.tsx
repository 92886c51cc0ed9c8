import DevicesIcon from '@mui/icons-material/DeveloperBoard';
import PeopleIcon from '@mui/icons-material/People';
import { type ComponentType, lazy } from 'react';
import { Admin, type I18nProvider, Resource, defaultDarkTheme, defaultLightTheme } from 'react-admin';
import { authProvider } from './authProvider';
import { Client } from './client';
import { dataProvider } from './dataProvider';

const client = new Client();
const auth = authProvider(client);
const data = dataProvider(client);

// Each page comes when it is opened.
const page = <Name extends string>(load: () => Promise<Record<Name, ComponentType>>, name: Name) =>
    lazy(async () => ({ default: (await load())[name] }));
const karanas = () => import('./pages/karanas');
const users = () => import('./pages/users');
const Dashboard = page(() => import('./pages/Dashboard'), 'Dashboard');
const [KaranaList, KaranaShow, KaranaEdit, KaranaCreate] = [
    page(karanas, 'KaranaList'), page(karanas, 'KaranaShow'), page(karanas, 'KaranaEdit'), page(karanas, 'KaranaCreate'),
];
const [UserList, UserShow, UserEdit, UserCreate] = [
    page(users, 'UserList'), page(users, 'UserShow'), page(users, 'UserEdit'), page(users, 'UserCreate'),
];

// No font from elsewhere, and none to load.
const typography = { fontFamily: 'system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif' };
const light = {
    ...defaultLightTheme,
    typography,
    palette: { ...defaultLightTheme.palette, primary: { main: '#1b5e20' }, secondary: { main: '#1b5e20' } },
};
const dark = {
    ...defaultDarkTheme,
    typography,
    palette: { ...defaultDarkTheme.palette, primary: { main: '#81c784' } },
};

const byName = (record: { name?: string; email?: string; id?: unknown }) => record.name || record.email || String(record.id);

export const App = ({ i18n }: { i18n: I18nProvider }) => (
    <Admin
        title="Karana" authProvider={auth} dataProvider={data} i18nProvider={i18n} dashboard={Dashboard} requireAuth
        disableTelemetry theme={light} darkTheme={dark} defaultTheme="light"
    >
        <Resource
            name="karanas" icon={DevicesIcon} recordRepresentation={byName}
            list={KaranaList} show={KaranaShow} edit={KaranaEdit} create={KaranaCreate}
        />
        <Resource
            name="users" icon={PeopleIcon} recordRepresentation={byName}
            list={UserList} show={UserShow} edit={UserEdit} create={UserCreate}
        />
    </Admin>
);
