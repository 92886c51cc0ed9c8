// The page in the browser: kept for the next time, and loaded anew when the server has another one.

// What comes first has come by then, in milliseconds.
const LATER = 2_000;

/** Lets the browser keep the page. On one without TLS that is not of this machine there is no way to. */
export function keepPage(): void {
    const { serviceWorker } = navigator as { serviceWorker?: ServiceWorkerContainer };
    if (!import.meta.env.PROD || serviceWorker === undefined) return;
    // Where that may not be, the page is as it would be without.
    setTimeout(() => void serviceWorker.register('/worker.js').catch(() => {}), LATER);
}

const RELOADED = 'karana.reloaded';

/** A part of the page that the server has no more has come with another page. That one is loaded, by each build once. */
export function reloadWhenOutdated(isAlive: () => Promise<boolean>): void {
    window.addEventListener('vite:preloadError', async () => {
        if (sessionStorage.getItem(RELOADED) === import.meta.url || !(await isAlive())) return;
        sessionStorage.setItem(RELOADED, import.meta.url);
        location.reload();
    });
}
