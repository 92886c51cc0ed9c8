// What a karana has measured, as `GET /v2/karanas/{id}/series` answers and as a chart wants it.

export interface Measured {
    field: string;
    points: [time: string, value: number][];
}

export interface Series {
    from: string;
    to: string;
    every: string;
    aggregate: string;
    series: Measured[];
}

/** Seconds since 1970, and the values; in a pause a `null`: there the line breaks. */
export type ChartData = [times: number[], values: (number | null)[]];

const SECONDS: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** `10m` → 600 */
export function stepSeconds(every: string): number {
    return Number(every.slice(0, -1)) * (SECONDS[every.slice(-1)] ?? NaN);
}

export function chartData(points: Measured['points'], step: number): ChartData {
    const [times, values]: ChartData = [[], []];
    const pause = longestUsual(points.map(([at]) => Date.parse(at) / 1000), step);
    for (const [at, value] of points) {
        const [time, last] = [Date.parse(at) / 1000, times[times.length - 1]];
        if (last !== undefined && time - last > pause) {
            times.push(last + step);
            values.push(null);
        }
        times.push(time);
        values.push(value);
    }
    return [times, values];
}

/** Up to twice as long as mostly it says nothing: a device that posts less often than there are steps does not pause each time. */
function longestUsual(times: number[], step: number): number {
    const silences = times.slice(1).map((time, before) => time - (times[before] ?? time)).sort((a, b) => a - b);
    return 2 * Math.max(step, silences[Math.floor(silences.length / 2)] ?? step);
}

/** What is said of it to those who do not see it. */
export function extremes(points: Measured['points']): { least: number; most: number; last: number } | undefined {
    const last = points[points.length - 1];
    if (last === undefined) return undefined;
    const values = points.map(([, value]) => value);
    return { least: Math.min(...values), most: Math.max(...values), last: last[1] };
}
