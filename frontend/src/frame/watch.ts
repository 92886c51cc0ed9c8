import type { Client } from '../client';

// Waits before it is asked again whether it is back, in milliseconds: at first, and at most.
const [SOON, LATE] = [1_000, 15_000];

/** Asks a server that is away until it answers, and at once when the network comes back or somebody looks at the page. */
export function watch(client: Client, answers: () => Promise<boolean> = isAlive): void {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let wait = SOON;
    const ask = async () => {
        clearTimeout(timer);
        if (!client.away.get()) return;
        if (await answers()) {
            client.away.set(false);
            return;
        }
        clearTimeout(timer);
        timer = setTimeout(ask, wait);
        wait = Math.min(wait * 2, LATE);
    };
    client.away.subscribe(() => {
        wait = SOON;
        clearTimeout(timer);
        if (client.away.get()) timer = setTimeout(ask, wait);
    });
    window.addEventListener('offline', () => client.away.set(true));
    window.addEventListener('online', ask);
    document.addEventListener('visibilitychange', () => {
        if (document.visibilityState === 'visible') void ask();
    });
}

/** Ends a session that was left here as soon as the server does it. */
export function endWhatIsLeft(client: Client): void {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const end = async () => {
        clearTimeout(timer);
        // Of one that is away it is told below that it is back.
        if (!(await client.endLeft()) && !client.away.get()) again();
    };
    const again = () => {
        clearTimeout(timer);
        timer = setTimeout(end, LATE);
    };
    client.away.subscribe(() => void (client.away.get() || end()));
    client.unended.subscribe(() => client.unended.get() && again());
    void end();
}

export const isAlive = () => fetch('/health/live', { cache: 'no-store' }).then(answer => answer.ok, () => false);
