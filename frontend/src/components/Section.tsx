import Box from '@mui/material/Box';
import Card from '@mui/material/Card';
import CardContent from '@mui/material/CardContent';
import Typography from '@mui/material/Typography';
import { type ReactNode, useId } from 'react';
import { useTranslate } from 'react-admin';

/** A part of a page under its heading, with what can be done with it beside. */
export const Section = ({ title, actions, children }: { title: string; actions?: ReactNode; children: ReactNode }) => {
    const translate = useTranslate();
    const id = useId();
    return (
        <Card component="section" aria-labelledby={id} sx={{ minWidth: 0 }}>
            <CardContent sx={{ typography: 'body2' }}>
                <Box sx={{ display: 'flex', flexWrap: 'wrap', gap: 1, alignItems: 'center', mb: 1 }}>
                    <Typography id={id} variant="h6" component="h2" sx={{ flex: 1, minWidth: 'min-content' }}>
                        {translate(title)}
                    </Typography>
                    {actions}
                </Box>
                {children}
            </CardContent>
        </Card>
    );
};
