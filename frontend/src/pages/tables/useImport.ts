import { useEffect, useRef, useState } from 'react';
import { client } from '../../api';
import { useFindingInWords } from '../../findings';
import { RowsRefused, work } from '../../work';
import { type Checked, importPath } from './check';
import { type Faults, type Report, madeOf, place } from './outcome';

interface Progress {
    done: number;
    total: number;
}

interface Run {
    state: 'none' | 'running' | 'done';
    progress: Progress;
    made: string[];
    refused: number;
    error?: Error;
    /** What was refused after all: somebody else was faster. */
    faults?: Faults;
}

const NONE: Run = { state: 'none', progress: { done: 0, total: 0 }, made: [], refused: 0 };

/** One import after the other. */
export function useImport(resource: string) {
    const inWords = useFindingInWords();
    const [run, setRun] = useState(NONE);
    const ending = useRef(new AbortController());
    useEffect(() => {
        const now = new AbortController();
        ending.current = now;
        return () => now.abort();
    }, []);

    const start = async ({ text, lines, broken }: Checked, isPartial: boolean) => {
        const { signal } = ending.current;
        setRun({ ...NONE, state: 'running' });
        try {
            const report = await work<Progress, Report>(client, {
                path: importPath(resource, `partial=${isPartial}`), body: text, media: 'text/csv', signal,
                onProgress: progress => setRun(before => ({ ...before, progress })),
            });
            setRun({ ...NONE, state: 'done', made: madeOf(report), refused: report.refused });
        } catch (error) {
            if (signal.aborted) return;
            const faults = error instanceof RowsRefused ? place(error.rows, lines, broken, inWords) : undefined;
            setRun({ ...NONE, error: error as Error, faults });
        }
    };
    return { ...run, start, reset: () => setRun(NONE) };
}
