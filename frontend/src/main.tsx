import createCache from '@emotion/cache';
import { CacheProvider } from '@emotion/react';
import { Suspense } from 'react';
import { createRoot } from 'react-dom/client';
import { App, Dashboard } from './App';
import { client } from './api';
import { watch } from './frame/watch';
import { languages } from './language';

// The browser hides the attribute from scripts and shows the property.
const nonce = document.querySelector<HTMLMetaElement>('meta[property=csp-nonce]')?.nonce;
const cache = createCache({ key: 'css', nonce, prepend: true });
const root = document.getElementById('root');

watch(client);
// The answer is on its way while the rest of the page begins, and so is what most come for.
const isStart = /^(#\/?)?$/.test(location.hash);
client.ready().then(
    async isSignedIn => {
        if (isSignedIn && isStart) await Dashboard.fetch();
    },
    () => {},
);
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
});
