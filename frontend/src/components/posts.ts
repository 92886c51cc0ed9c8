// How often a karana has posted, as `GET /v2/karanas/{id}/series?aggregate=count` tells it.

export interface Counts {
    from: string;
    to: string;
    every: string;
    series: { field: string; points: [time: string, count: number][] }[];
}

const SECONDS: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400 };

/**
 * The points of each step; none in a step is 0. A post has a point of every field, or of some: of all fields the one with
 * the most counts.
 */
export function perStep({ from, to, every, series }: Counts): { times: number[]; counts: number[] } {
    const step = Number(every.slice(0, -1)) * (SECONDS[every.slice(-1)] ?? NaN);
    const most = new Map<number, number>();
    for (const { points } of series) {
        for (const [at, count] of points) {
            const time = Date.parse(at) / 1000;
            most.set(time, Math.max(count, most.get(time) ?? 0));
        }
    }
    const times: number[] = [];
    const [begin, end] = [Date.parse(from) / 1000, Date.parse(to) / 1000];
    for (let time = Math.floor(begin / step) * step; time < end; time += step) times.push(time);
    return { times, counts: times.map(time => most.get(time) ?? 0) };
}
