import DevicesIcon from '@mui/icons-material/DeveloperBoard';
import RecordsIcon from '@mui/icons-material/ListAlt';
import PeopleIcon from '@mui/icons-material/People';
import KeyIcon from '@mui/icons-material/VpnKey';
import { Admin, CustomRoutes, type I18nProvider, Resource } from 'react-admin';
import { Route } from 'react-router-dom';
import { authProvider, dataProvider, queries } from './api';
import { type Standing, abilities } from './authProvider';
import { representation } from './description';
import { Failure } from './frame/Failure';
import { Frame } from './frame/Frame';
import { Loading } from './frame/Loading';
import { Missing } from './frame/Missing';
import { Notification } from './frame/Notification';
import { SignIn } from './frame/SignIn';
import { preferences } from './frame/preferences';
import { dark, light } from './frame/theme';
import { page } from './page';

const [karanas, users, generic] = [
    () => import('./pages/karanas'), () => import('./pages/users'), () => import('./pages/generic'),
];
const [account, past] = [() => import('./pages/account'), () => import('./pages/history')];
/** What most come for. */
export const Dashboard = page(() => import('./pages/Dashboard'), 'Dashboard');
const SyncPage = page(() => import('./pages/sync'), 'SyncPage');
const ImportPage = page(() => import('./pages/tables'), 'ImportPage');
const AboutPage = page(() => import('./pages/about'), 'AboutPage');
const AccountPage = page(account, 'AccountPage');
const PasswordPage = page(account, 'PasswordPage');
const TenantHistory = page(past, 'TenantHistory');
const RecordHistory = page(past, 'RecordHistory');

const PARTS = {
    karanas: {
        icon: DevicesIcon,
        list: page(karanas, 'KaranaList'), show: page(karanas, 'KaranaShow'),
        edit: page(karanas, 'KaranaEdit'), create: page(karanas, 'KaranaCreate'),
    },
    users: {
        icon: PeopleIcon,
        list: page(users, 'UserList'), show: page(users, 'UserShow'),
        edit: page(users, 'UserEdit'), create: page(users, 'UserCreate'),
    },
};

const KEYS = { icon: KeyIcon, list: page(account, 'KeyList'), create: page(account, 'KeyCreate') };

// What the server has beside them, by its own description.
const OTHERS = {
    icon: RecordsIcon,
    list: page(generic, 'GenericList'), show: page(generic, 'GenericShow'),
    edit: page(generic, 'GenericEdit'), create: page(generic, 'GenericCreate'),
};

const parts = (standing: Standing | undefined) => {
    const names = (standing?.resources ?? []).map(({ name }) => name);
    // First what one comes for.
    const order = ['karanas', 'users', ...names.filter(name => !(name in PARTS))];
    return order
        .filter(name => abilities(standing, name) !== undefined)
        .map(name => (
            <Resource
                key={name} name={name} recordRepresentation={representation(name)}
                {...((PARTS as Record<string, typeof OTHERS>)[name] ?? OTHERS)}
            />
        ));
};

export const App = ({ i18n }: { i18n: I18nProvider }) => (
    <Admin
        title="Karana" authProvider={authProvider} dataProvider={dataProvider} i18nProvider={i18n} layout={Frame}
        queryClient={queries} dashboard={Dashboard} requireAuth disableTelemetry theme={light} darkTheme={dark} store={preferences}
        loginPage={SignIn} notification={Notification} loading={Loading} error={Failure} catchAll={Missing}
    >
        {(standing: Standing | null | undefined) => (
            <>
                {parts(standing ?? undefined)}
                <Resource name="keys" {...KEYS} />
                <CustomRoutes>
                    <Route path="/sync" element={<SyncPage />} />
                    <Route path="/history" element={<TenantHistory />} />
                    <Route path="/:resource/:id/history" element={<RecordHistory />} />
                    <Route path="/:resource/import" element={<ImportPage />} />
                    <Route path="/account" element={<AccountPage />} />
                    <Route path="/about" element={<AboutPage />} />
                </CustomRoutes>
                <CustomRoutes noLayout>
                    <Route path="/password" element={<PasswordPage />} />
                </CustomRoutes>
            </>
        )}
    </Admin>
);
