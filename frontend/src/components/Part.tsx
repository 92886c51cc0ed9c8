import Card from '@mui/material/Card';
import CardContent from '@mui/material/CardContent';
import Typography from '@mui/material/Typography';
import type { ReactNode } from 'react';
import { useTranslate } from 'react-admin';

/** One part of a page, with its heading. */
export const Part = ({ title, children }: { title: string; children: ReactNode }) => {
    const translate = useTranslate();
    return (
        <Card component="section">
            <CardContent>
                <Typography variant="h6" component="h2" gutterBottom>{translate(title)}</Typography>
                {children}
            </CardContent>
        </Card>
    );
};
