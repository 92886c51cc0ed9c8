import { type Theme, ThemeProvider } from '@mui/material/styles';
import { type ReactNode, Suspense } from 'react';
import { Layout, useLocale, useTranslate } from 'react-admin';
import { regional } from '../language/region';
import { useFreshness } from '../live';
import { Bar } from './Bar';
import { Failure } from './Failure';
import { Waiting } from './Loading';
import { Outage } from './Outage';
import { Parts } from './Parts';
import { SignInAgain } from './SignInAgain';
import { useAddress } from './address';
import { inLanguage } from './theme';

// The height of the bar, in pixels.
const BAR = 48;

// As wide as the window, whatever is in it.
const NARROW = { minWidth: 0, '& .RaLayout-content': { minWidth: 0 } };

/** What surrounds every page. */
export const Frame = ({ children }: { children: ReactNode }) => {
    const locale = useLocale();
    const translate = useTranslate();
    useFreshness();
    useAddress();
    return (
        <ThemeProvider theme={(theme: Theme) => inLanguage(theme, regional(locale), translate('ra.page.loading'))}>
            <Layout appBar={Bar} appBarAlwaysOn menu={Parts} error={Failure} sx={NARROW}>
                <Outage below={BAR} />
                <Suspense fallback={<Waiting />}>{children}</Suspense>
            </Layout>
            <SignInAgain />
        </ThemeProvider>
    );
};
