// Calls that take their time and tell meanwhile how far they are: `progress` again and again, then one `report` or `error`.
import { createParser } from 'eventsource-parser';
import { type Client, type Finding, type Json, Refusal, refusal } from './client';
import { texts } from './live';

export interface Work<Progress> {
    path: string;
    body?: string;
    /** What the body is. */
    media?: string;
    signal: AbortSignal;
    onProgress: (progress: Progress) => void;
}

/** Rows of a table that are refused, as the server names them. */
export interface RefusedRow {
    line: number;
    status: number;
    detail: string;
    errors?: Finding[];
}

/** A refusal of single rows. */
export class RowsRefused extends Refusal {
    constructor(refused: Refusal, readonly rows: RefusedRow[]) {
        super(refused.status, refused.code, refused.message, refused.findings);
    }
}

/** Does the work (a POST), and answers with its report. */
export async function work<Progress, Report>(client: Client, wanted: Work<Progress>): Promise<Report> {
    const { path, body, media, signal, onProgress } = wanted;
    const headers: Record<string, string> = { Accept: 'text/event-stream' };
    if (media !== undefined) headers['Content-Type'] = media;
    const answer = await client.open(path, { method: 'POST', headers, body, signal });
    let ended: { report: Report } | { error: Refusal } | undefined;
    const parser = createParser({
        onEvent({ event, data }) {
            const told = JSON.parse(data) as Json;
            if (event === 'progress') onProgress(told as Progress);
            if (event === 'report') ended = { report: told as Report };
            if (event === 'error') ended = { error: problem(told) };
        },
    });
    if (answer.body !== null) for await (const text of texts(answer.body)) parser.feed(text);
    // The connection broke: what has become of the work is not known.
    if (ended === undefined) throw new Refusal(0, 'broken', 'karana.operations.broken');
    if ('error' in ended) throw ended.error;
    return ended.report;
}

function problem(told: Json): Refusal {
    const { status, rows } = told as { status?: number; rows?: Json };
    const refused = refusal(status ?? 500, told);
    return Array.isArray(rows) ? new RowsRefused(refused, rows as unknown as RefusedRow[]) : refused;
}
