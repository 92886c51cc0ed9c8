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

    it('breaks where nothing came for long', () => {
        expect(chartData([at(0, 1), at(10, 1), at(40, 2), at(50, 3)], 600)).toEqual([[0, 600, 1200, 2400, 3000], [1, 1, null, 2, 3]]);
    });

    it('does not break between the posts of a device that posts less often than there are steps', () => {
        expect(chartData([at(0, 1), at(30, 2), at(60, 3), at(90, 4)], 600)[1]).toEqual([1, 2, 3, 4]);
        expect(chartData([at(0, 1), at(10, 2), at(30, 3), at(40, 4), at(60, 5)], 600)[1]).toEqual([1, 2, 3, 4, 5]);
    });

    it('is told by its extremes and its end', () => {
        expect(extremes([at(0, 5), at(10, -1), at(20, 2)])).toEqual({ least: -1, most: 5, last: 2 });
        expect(extremes([])).toBeUndefined();
    });
});
