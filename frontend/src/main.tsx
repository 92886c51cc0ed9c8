import createCache from '@emotion/cache';
import { CacheProvider } from '@emotion/react';
import { Suspense } from 'react';
import { createRoot } from 'react-dom/client';
import { App, Dashboard } from './App';
import { atDashboard } from './ahead';
import { client } from './api';
import { numberAddresses } from './frame/address';
import { endWhatIsLeft, isAlive, watch } from './frame/watch';
import { keepPage, reloadWhenOutdated } from './keep';
import { languages } from './language';

// The browser hides the attribute from scripts and shows the property.
const nonce = document.querySelector<HTMLMetaElement>('meta[property=csp-nonce]')?.nonce;
const cache = createCache({ key: 'css', nonce, prepend: true });
const root = document.getElementById('root');

numberAddresses();
watch(client);
endWhatIsLeft(client);
reloadWhenOutdated(isAlive);
// It is there when it is known who is there.
if (atDashboard() && client.tabs.haveSession()) Dashboard.fetch().catch(() => {});
languages().then(i18n => {
    if (root === null) return;
    createRoot(root).render(
        <CacheProvider value={cache}>
            {/* For the parts that come later and have no frame. */}
            <Suspense>
                <App i18n={i18n} />
            </Suspense>
        </CacheProvider>,
    );
    keepPage();
});
