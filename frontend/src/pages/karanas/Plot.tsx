import { useTheme } from '@mui/material/styles';
import { useEffect, useRef } from 'react';
import UPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { type Measured, chartData } from './series';

interface PlotProps {
    field: string;
    timeLabel: string;
    points: Measured['points'];
    step: number;
    from: number;
    to: number;
    locale: string;
}

const HEIGHT = 240;

/** A line over time. It comes when a chart is shown. */
export default function Plot({ field, timeLabel, points, step, from, to, locale }: PlotProps) {
    const place = useRef<HTMLDivElement>(null);
    const { palette, typography } = useTheme();
    useEffect(() => {
        const element = place.current;
        if (element === null) return;
        const clock = new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit' });
        const number = new Intl.NumberFormat(locale, { maximumSignificantDigits: 5 });
        const axis = {
            stroke: palette.text.secondary, grid: { stroke: palette.divider, width: 1 }, ticks: { stroke: palette.divider, width: 1 },
            font: `12px ${typography.fontFamily}`,
        };
        const chart = new UPlot(
            {
                width: element.clientWidth, height: HEIGHT,
                scales: { x: { range: [from, to] } },
                axes: [
                    { ...axis, values: (_, times) => times.map(time => clock.format(time * 1000)), space: 60 },
                    { ...axis, values: (_, values) => values.map(value => number.format(value)), size: 60 },
                ],
                series: [
                    { label: timeLabel, value: (_, time) => (time === null ? '–' : clock.format(time * 1000)) },
                    {
                        label: field, stroke: palette.primary.main, width: 2,
                        value: (_, value) => (value === null ? '–' : number.format(value)),
                    },
                ],
                cursor: { drag: { x: false, y: false } },
            },
            chartData(points, step), element,
        );
        const follower = new ResizeObserver(() => chart.setSize({ width: element.clientWidth, height: HEIGHT }));
        follower.observe(element);
        return () => {
            follower.disconnect();
            chart.destroy();
        };
    }, [field, timeLabel, points, step, from, to, locale, palette, typography]);
    return <div ref={place} />;
}
