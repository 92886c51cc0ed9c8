import Box from '@mui/material/Box';
import LinearProgress from '@mui/material/LinearProgress';
import Typography from '@mui/material/Typography';
import { useLocale } from 'react-admin';

/** How far something is; without a total: that it is under way. */
export const ProgressBar = ({ label, done, total }: { label: string; done: number; total: number }) => {
    const number = new Intl.NumberFormat(useLocale());
    const isKnown = total > 0;
    return (
        <Box sx={{ my: 1 }}>
            <Typography variant="body2">
                {label}
                {isKnown && ` – ${number.format(done)} / ${number.format(total)}`}
            </Typography>
            <LinearProgress
                aria-label={label} variant={isKnown ? 'determinate' : 'indeterminate'}
                value={isKnown ? Math.min(100, (100 * done) / total) : undefined}
            />
        </Box>
    );
};
