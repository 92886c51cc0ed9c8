import { useTheme } from '@mui/material/styles';
import { useEffect, useRef } from 'react';
import UPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

/** Bars over time, without axes: the words beside them say how many there are. */
export default function Bars({ times, counts, height }: { times: number[]; counts: number[]; height: number }) {
    const place = useRef<HTMLDivElement>(null);
    const colour = useTheme().palette.primary.main;
    useEffect(() => {
        const element = place.current;
        const bars = UPlot.paths.bars?.({ size: [0.8, 64] });
        if (element === null) return;
        const chart = new UPlot(
            {
                width: element.clientWidth, height, padding: [2, 0, 0, 0], legend: { show: false }, cursor: { show: false },
                axes: [{ show: false }, { show: false }],
                scales: { y: { range: (_, __, most) => [0, Math.max(1, most)] } },
                series: [{}, { stroke: colour, fill: colour, paths: bars, points: { show: false } }],
            },
            [times, counts], element,
        );
        const follower = new ResizeObserver(() => chart.setSize({ width: element.clientWidth, height }));
        follower.observe(element);
        return () => {
            follower.disconnect();
            chart.destroy();
        };
    }, [times, counts, height, colour]);
    return <div ref={place} />;
}
