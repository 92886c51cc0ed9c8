import { describe, expect, it } from 'vitest';
import { chartData, extremes, stepSeconds } from './series';

const at = (minute: number, value: number): [string, number] => [new Date(minute * 60_000).toISOString(), value];

describe('a series', () => {
    it('has its step in seconds', () => {
        expect(['30s', '10m', '2h', '1d'].map(stepSeconds)).toEqual([30, 600, 7200, 86_400]);
    });

    it('becomes times and values', () => {
        expect(chartData([at(0, 1), at(10, 2.5)], 600)).toEqual([[0, 600], [1, 2.5]]);
        expect(chartData([], 600)).toEqual([[], []]);
    });

    it('breaks where a step has no points', () => {
        expect(chartData([at(0, 1), at(30, 2), at(40, 3)], 600)).toEqual([[0, 600, 1800, 2400], [1, null, 2, 3]]);
    });

    it('is told by its extremes and its end', () => {
        expect(extremes([at(0, 5), at(10, -1), at(20, 2)])).toEqual({ least: -1, most: 5, last: 2 });
        expect(extremes([])).toBeUndefined();
    });
});
