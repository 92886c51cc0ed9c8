import Box from '@mui/material/Box';
import Button from '@mui/material/Button';
import Typography from '@mui/material/Typography';
import { useTranslate } from 'react-admin';
import { Link } from 'react-router-dom';
import { useStanding } from '../../api';
import { abilities } from '../../authProvider';
import { Section } from '../../components/Section';

const STEPS = ['users', 'karanas'] as const;

/** What to do with a fleet that has no karana yet. */
export const FirstSteps = () => {
    const [translate, standing] = [useTranslate(), useStanding()];
    const possible = STEPS.filter(resource => abilities(standing, resource)?.create);
    return (
        <Section title="karana.operations.first.title">
            {possible.length === 0 && <Typography>{translate('karana.operations.first.wait')}</Typography>}
            <Box component="ol" sx={{ m: 0, pl: 3 }}>
                {possible.map(resource => (
                    <li key={resource}>
                        <Typography>{translate(`karana.operations.first.${resource}`)}</Typography>
                        <Box sx={{ display: 'flex', flexWrap: 'wrap', gap: 1, my: 1 }}>
                            <Button variant="contained" component={Link} to={`/${resource}/create`}>
                                {translate(`karana.operations.first.${resource}_one`)}
                            </Button>
                            <Button variant="outlined" component={Link} to={`/${resource}/import`}>
                                {translate(`karana.operations.first.${resource}_many`)}
                            </Button>
                        </Box>
                    </li>
                ))}
            </Box>
        </Section>
    );
};
