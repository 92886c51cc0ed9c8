// The tabs of a browser have one cookie between them, and each has a page with an access token of its own.

/** That somebody has signed in, or out, in another tab. */
export type News = 'in' | 'out';

export interface Tabs {
    /** Runs the task when no other tab runs one. */
    alone<T>(task: () => Promise<T>): Promise<T>;
    tell(news: News): void;
    /** Calls the listener with what other tabs tell, until what it returns is called. */
    listen(listener: (news: News) => void): () => void;
}

const NAME = 'karana.session';

export function tabs(): Tabs {
    const channel = new BroadcastChannel(NAME);
    // There are no locks on a page without TLS that is not of this machine. The server helps: for a minute, a refresh token
    // that has been used buys the same next one again. Tests may be without a navigator.
    const locks = (globalThis.navigator as { locks?: LockManager } | undefined)?.locks;
    return {
        alone: async task => (locks === undefined ? task() : locks.request(NAME, task)),
        tell: news => channel.postMessage(news),
        listen(listener) {
            const heard = ({ data }: MessageEvent<News>) => listener(data);
            channel.addEventListener('message', heard);
            return () => channel.removeEventListener('message', heard);
        },
    };
}

/** A page that is alone. */
export const SINGLE: Tabs = { alone: task => task(), tell: () => {}, listen: () => () => {} };
