// What hangs on a record that is to be deleted, as the server says it when it refuses.
import { HttpError } from 'react-admin';
import type { Finding } from '../client';

/** What may become of the records that refer to it: the field becomes empty, or they go as well. */
export const WAYS = ['release', 'delete'] as const;
export type Way = (typeof WAYS)[number];

export interface Dependents {
    counts: { resource: string; count: number }[];
    /** What the server offers; not every field can be empty. */
    ways: Way[];
}

/** `2 in karanas and 1 in payments refer to it; delete them first, or ask for dependents=delete` */
export function dependentsOf(error: unknown): Dependents | undefined {
    if (!(error instanceof HttpError) || error.status !== 409) return undefined;
    const findings = (error.body as { findings?: Finding[] } | undefined)?.findings ?? [];
    const message = findings.find(({ code }) => code === 'dependents')?.message;
    if (message === undefined) return undefined;
    const counts = [...message.matchAll(/(\d+) in ([\w-]+)/g)].map(([, count, resource = '']) => ({ resource, count: Number(count) }));
    return { counts, ways: WAYS.filter(way => message.includes(`dependents=${way}`)) };
}
