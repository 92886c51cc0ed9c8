// The changes of the store as they happen (`GET /v2/events`), so that what is shown is not old.
import { useQueryClient } from '@tanstack/react-query';
import { createParser } from 'eventsource-parser';
import { useEffect } from 'react';
import { client } from './api';
import { type Client, Refusal } from './client';

/** One commit, with all it did to records that one may see. */
export interface Commit {
    actor: string;
    revision: string;
    time: string;
    changes: { resource: string; uuid: string; action: 'create' | 'update' | 'delete'; record: object | null }[];
}

/** What a follower is told: a commit, or `null`: more than that has changed. */
export type Listener = (commit: Commit | null) => void;

// Waits before it comes again, in milliseconds: at first, and at most.
const [SOON, LATE] = [1_000, 60_000];

/**
 * Follows the changes until `signal` aborts, over every break: it goes on where it was. A tab that slept comes back at once
 * when it is looked at.
 */
export async function follow(client: Client, listener: Listener, signal: AbortSignal): Promise<void> {
    let last: string | undefined;
    let wait = SOON;
    while (!signal.aborted) {
        try {
            const stream = await client.stream('/v2/events', last, signal);
            wait = SOON;
            const parser = createParser({
                onEvent(event) {
                    if (event.id !== undefined) last = event.id;
                    if (event.event === 'change') listener(JSON.parse(event.data) as Commit);
                    if (event.event === 'reset') listener(null);
                },
            });
            for await (const text of texts(stream)) parser.feed(text);
        } catch (error) {
            if (signal.aborted) return;
            if (error instanceof Refusal && error.status === 401) return;
            if (error instanceof Refusal && error.status === 410) {
                // Too long ago: everything may be different.
                last = undefined;
                listener(null);
            }
        }
        await pause(wait, signal);
        wait = Math.min(wait * 2, LATE);
    }
}

/** The text of a stream, as it comes. */
export async function* texts(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
    const [reader, decoder] = [stream.getReader(), new TextDecoder()];
    try {
        for (;;) {
            const { done, value } = await reader.read();
            if (done) return;
            yield decoder.decode(value, { stream: true });
        }
    } finally {
        reader.releaseLock();
    }
}

/** Until the time is over, somebody looks at the page again, or the network is back. */
function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
    return new Promise(resolve => {
        const done = () => {
            clearTimeout(timer);
            document.removeEventListener('visibilitychange', seen);
            window.removeEventListener('online', done);
            signal.removeEventListener('abort', done);
            resolve();
        };
        const seen = () => {
            if (document.visibilityState === 'visible') done();
        };
        const timer = setTimeout(done, milliseconds);
        document.addEventListener('visibilitychange', seen);
        window.addEventListener('online', done);
        signal.addEventListener('abort', done);
    });
}

const listeners = new Set<Listener>();

/** Calls the listener with every commit as long as the component is there. */
export function useCommits(listener: Listener): void {
    useEffect(() => {
        listeners.add(listener);
        return () => {
            listeners.delete(listener);
        };
    }, [listener]);
}

/** Keeps lists and records fresh; an open form keeps the version that it was opened with. Once, for all of the page. */
export function useFreshness(): void {
    const queries = useQueryClient();
    useEffect(() => {
        const ending = new AbortController();
        const refresh: Listener = commit => {
            const touched = commit?.changes.map(change => change.resource);
            void queries.invalidateQueries({
                predicate: ({ queryKey: [resource, method, params] }) =>
                    !(method === 'getOne' && isForm(params)) &&
                    (touched === undefined || touched.includes(resource as string) || resource === 'changes'),
            });
            for (const listener of listeners) listener(commit);
        };
        void follow(client, refresh, ending.signal);
        return () => ending.abort();
    }, [queries]);
}

export const isForm = (params: unknown) => (params as { meta?: { form?: boolean } } | undefined)?.meta?.form === true;
