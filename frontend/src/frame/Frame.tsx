import { type Theme, ThemeProvider } from '@mui/material/styles';
import { type ReactNode, Suspense } from 'react';
import { Layout, useLocale } from 'react-admin';
import { regional } from '../language/region';
import { useFreshness } from '../live';
import { Bar } from './Bar';
import { Failure } from './Failure';
import { Waiting } from './Loading';
import { Outage } from './Outage';
import { Parts } from './Parts';
import { SignInAgain } from './SignInAgain';
import { inLanguage } from './theme';

// As wide as the window, whatever is in it.
const NARROW = { minWidth: 0, '& .RaLayout-content': { minWidth: 0 } };

/** What surrounds every page. */
export const Frame = ({ children }: { children: ReactNode }) => {
    const locale = useLocale();
    useFreshness();
    return (
        <ThemeProvider theme={(theme: Theme) => inLanguage(theme, regional(locale))}>
            <Layout appBar={Bar} appBarAlwaysOn menu={Parts} error={Failure} sx={NARROW}>
                <Outage />
                <Suspense fallback={<Waiting />}>{children}</Suspense>
            </Layout>
            <SignInAgain />
        </ThemeProvider>
    );
};
