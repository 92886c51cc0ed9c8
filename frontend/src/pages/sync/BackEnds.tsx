import Box from '@mui/material/Box';
import Card from '@mui/material/Card';
import CardContent from '@mui/material/CardContent';
import Typography from '@mui/material/Typography';
import { useTranslate } from 'react-admin';
import { StateChip } from '../../components/StateChip';
import { Time } from '../../components/Time';
import { type BackEnd, backEndName } from './standing';

const KINDS = { not_configured: 'neutral', idle: 'good', running: 'waiting', unreachable: 'bad', faulty: 'bad' } as const;

/** How each back end does. */
export const BackEnds = ({ backends }: { backends: Record<string, BackEnd> }) => {
    const translate = useTranslate();
    return (
        <Box sx={{ display: 'grid', gap: 2, gridTemplateColumns: 'repeat(auto-fit, minmax(min(100%, 260px), 1fr))' }}>
            {Object.entries(backends).map(([id, { state, last_round, reason, next_try }]) => (
                <Card key={id}>
                    <CardContent>
                        <Typography variant="h6" component="h2" gutterBottom>
                            {backEndName(id)}
                        </Typography>
                        <StateChip kind={KINDS[state]} label={translate(`karana.operations.sync.backend.${state}`)} />
                        {last_round !== null && (
                            <Typography variant="body2" sx={{ mt: 1 }}>
                                {translate('karana.operations.sync.last_round')}: <Time at={last_round} />
                            </Typography>
                        )}
                        {reason !== undefined && <Typography variant="body2" color="error">{reason}</Typography>}
                        {next_try !== undefined && (
                            <Typography variant="body2">
                                {translate('karana.operations.sync.next_try')}: <Time at={next_try} />
                            </Typography>
                        )}
                    </CardContent>
                </Card>
            ))}
        </Box>
    );
};
