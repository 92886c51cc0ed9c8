import Box from '@mui/material/Box';
import Card from '@mui/material/Card';
import CardActionArea from '@mui/material/CardActionArea';
import CardContent from '@mui/material/CardContent';
import Typography from '@mui/material/Typography';
import { useLocale } from 'react-admin';
import { Link } from 'react-router-dom';
import { Connection } from '../../components/states';
import { CONNECTIONS } from '../../lists';
import type { Connection as State, Count } from './useCounts';

/** How many are in each state, and the way to them. */
export const Counts = ({ counts }: { counts: Record<State, Count> }) => {
    const number = new Intl.NumberFormat(useLocale());
    return (
        <Box sx={{ display: 'grid', gap: 2, gridTemplateColumns: { xs: '1fr 1fr', sm: 'repeat(4, 1fr)' } }}>
            {CONNECTIONS.map(state => {
                const { total } = counts[state];
                const filter = encodeURIComponent(JSON.stringify({ connection: state }));
                return (
                    <Card key={state}>
                        <CardActionArea component={Link} to={`/karanas?filter=${filter}`}>
                            <CardContent>
                                <Typography variant="h4" component="p" data-count={state}>
                                    {total === undefined ? '…' : number.format(total)}
                                </Typography>
                                <Connection of={state} />
                            </CardContent>
                        </CardActionArea>
                    </Card>
                );
            })}
        </Box>
    );
};
