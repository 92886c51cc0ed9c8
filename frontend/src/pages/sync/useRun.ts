import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { client } from '../../api';
import { work } from '../../work';
import { NOTHING, type Progress, type Report, type Run, fold } from './progress';

/** All records, those of a resource, or one. */
export interface Scope {
    resource?: string;
    id?: string;
}

// The server tells of ten records a second, and each is looked up by its name: too much for a phone. In milliseconds.
const OFTEN = 1000;

interface Now {
    isRunning: boolean;
    scope?: Scope;
    run: Run;
    report?: Report;
    error?: Error;
}

/** Brings records to the back ends now, and follows how far it is. */
export function useRun() {
    const queries = useQueryClient();
    const [now, setNow] = useState<Now>({ isRunning: false, run: NOTHING });
    const ending = useRef(new AbortController());
    useEffect(() => {
        const here = new AbortController();
        ending.current = here;
        return () => here.abort();
    }, []);

    const start = async (scope: Scope) => {
        const { signal } = ending.current;
        setNow({ isRunning: true, scope, run: NOTHING });
        let shown = 0;
        const onProgress = (progress: Progress) => {
            const isLast = progress.done >= progress.total;
            if (!isLast && Date.now() - shown < OFTEN) return;
            shown = Date.now();
            setNow(before => ({ ...before, run: fold(before.run, progress) }));
        };
        try {
            const report = await work<Progress, Report>(client, {
                path: `/v2/sync?${new URLSearchParams({ ...scope })}`, signal, onProgress,
            });
            setNow(before => ({ ...before, isRunning: false, report }));
        } catch (error) {
            if (signal.aborted) return;
            setNow(before => ({ ...before, isRunning: false, error: error as Error }));
        }
        for (const queryKey of [['changes', 'sync'], ['plan']]) void queries.invalidateQueries({ queryKey });
    };
    return { ...now, start };
}
