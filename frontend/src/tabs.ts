// The tabs of a browser have one cookie between them, and each has a page with an access token of its own.

/** That somebody has signed in, or out, in another tab. */
export type News = 'in' | 'out';

export interface Tabs {
    /** Runs the task when no other tab runs one. */
    alone<T>(task: () => Promise<T>): Promise<T>;
    /** Whether there may be a session to go on with: the server's cookie for it, which no script reads, has a sign beside it. */
    haveSession(): boolean;
    tell(news: News): void;
    /** Calls the listener with what other tabs tell, until what it returns is called. */
    listen(listener: (news: News) => void): () => void;
}

const NAME = 'karana.session';

export function tabs(): Tabs {
    const channel = new BroadcastChannel(NAME);
    return {
        async alone(task) {
            // There are no locks on a page without TLS that is not of this machine. The server helps: for a minute, a refresh
            // token that has been used buys the same next one again.
            const { locks } = navigator as { locks?: LockManager };
            return locks === undefined ? task() : locks.request(NAME, task);
        },
        haveSession: () => document.cookie.includes('karana_signed_in='),
        tell: news => channel.postMessage(news),
        listen(listener) {
            const heard = ({ data }: MessageEvent<News>) => listener(data);
            channel.addEventListener('message', heard);
            return () => channel.removeEventListener('message', heard);
        },
    };
}

/** A page that is alone. */
export const SINGLE: Tabs = { alone: task => task(), haveSession: () => true, tell: () => {}, listen: () => () => {} };
