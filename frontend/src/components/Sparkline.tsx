import Box from '@mui/material/Box';
import Typography from '@mui/material/Typography';
import { type RefObject, Suspense, lazy, useEffect, useRef, useState } from 'react';
import { useAnswer } from '../api';
import { type Counts, perStep } from './posts';
import { useCounted } from './useCounted';

const Bars = lazy(() => import('./Bars'));

const OFTEN = 5 * 60_000;

/** How often a karana has posted in the last day. Asked for when it comes into view. */
export const Sparkline = ({ karana, name, height = 48 }: { karana: string; name: string; height?: number }) => {
    const counted = useCounted();
    const place = useRef<HTMLDivElement>(null);
    const isSeen = useSeen(place);
    const { data, error } = useAnswer<Counts>(`/v2/karanas/${karana}/series?aggregate=count&every=30m`, {
        key: ['series', karana, 'count'], enabled: isSeen, refetchInterval: OFTEN,
    });
    const steps = data && perStep(data);
    const total = steps?.counts.reduce((sum, count) => sum + count, 0) ?? 0;
    const text = counted('karana.operations.posts.text', total);
    return (
        <Box ref={place} sx={{ minHeight: height }}>
            {error && <Typography variant="body2">{error.message}</Typography>}
            {steps && total > 0 && (
                <Box role="img" aria-label={`${name}: ${text}`}>
                    <Suspense fallback={<Box sx={{ height }} />}>
                        <Bars times={steps.times} counts={steps.counts} height={height} />
                    </Suspense>
                </Box>
            )}
            {steps && <Typography variant="body2">{text}</Typography>}
        </Box>
    );
};

/** Whether it has been in view. */
function useSeen(place: RefObject<HTMLElement | null>): boolean {
    const [isSeen, setSeen] = useState(false);
    useEffect(() => {
        if (place.current === null) return;
        const watcher = new IntersectionObserver(entries => {
            if (entries.some(entry => entry.isIntersecting)) setSeen(true);
        });
        watcher.observe(place.current);
        return () => watcher.disconnect();
    }, [place]);
    return isSeen;
}
