import Card from '@mui/material/Card';
import CardContent from '@mui/material/CardContent';
import Typography from '@mui/material/Typography';
import { type ReactNode, useId } from 'react';
import { useTranslate } from 'react-admin';

/** A part of a record's page, under a heading. */
export const Section = ({ title, children, actions }: { title: string; children: ReactNode; actions?: ReactNode }) => {
    const [translate, id] = [useTranslate(), useId()];
    return (
        <Card component="section" aria-labelledby={id} sx={{ minWidth: 0 }}>
            <CardContent sx={{ typography: 'body2' }}>
                <Typography variant="h6" component="h2" id={id} gutterBottom>
                    {translate(title)}
                </Typography>
                {children}
                {actions}
            </CardContent>
        </Card>
    );
};
