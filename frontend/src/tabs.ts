// The tabs of a browser have one cookie between them, and each has a page with an access token of its own.

/** That somebody has signed in, or out, in another tab. */
export type News = 'in' | 'out';

export interface Tabs {
    /** Runs the task when no other tab runs one. */
    alone<T>(task: () => Promise<T>): Promise<T>;
    /** Whether there may be a session to go on with: the server's cookie for it, which no script reads, has a sign beside it. */
    haveSession(): boolean;
    /** Whether somebody has signed out here whose session the server may still have. No tab goes on with it. */
    readonly left: { get(): boolean; set(left: boolean): void };
    tell(news: News): void;
    /** Calls the listener with what other tabs tell, until what it returns is called. */
    listen(listener: (news: News) => void): () => void;
}

const NAME = 'karana.session';
const LEFT = 'karana.left';
const SIGN = 'karana_signed_in=';

/** Whether somebody has left, for all tabs and for later; where the browser keeps nothing, for this page. */
function departure(): Tabs['left'] {
    let here = false;
    return {
        get() {
            try {
                return here || localStorage.getItem(LEFT) !== null;
            } catch {
                return here;
            }
        },
        set(left) {
            here = false;
            try {
                if (left) localStorage.setItem(LEFT, '');
                else localStorage.removeItem(LEFT);
            } catch {
                here = left;
            }
            if (left) document.cookie = `${SIGN}; Path=/; Max-Age=0`;
        },
    };
}

export function tabs(): Tabs {
    const [channel, left] = [new BroadcastChannel(NAME), departure()];
    return {
        async alone(task) {
            // There are no locks on a page without TLS that is not of this machine. The server helps: for a minute, a refresh
            // token that has been used buys the same next one again.
            const { locks } = navigator as { locks?: LockManager };
            return locks === undefined ? task() : locks.request(NAME, task);
        },
        haveSession: () => document.cookie.includes(SIGN),
        left,
        tell: news => channel.postMessage(news),
        listen(listener) {
            const heard = ({ data }: MessageEvent<News>) => listener(data);
            channel.addEventListener('message', heard);
            return () => channel.removeEventListener('message', heard);
        },
    };
}

/** A page that is alone. */
export function single(): Tabs {
    let left = false;
    return {
        alone: task => task(),
        haveSession: () => true,
        left: { get: () => left, set: now => void (left = now) },
        tell: () => {},
        listen: () => () => {},
    };
}
