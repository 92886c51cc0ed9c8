import Box from '@mui/material/Box';
import Card from '@mui/material/Card';
import CardContent from '@mui/material/CardContent';
import Stack from '@mui/material/Stack';
import Typography from '@mui/material/Typography';
import type { ReactNode } from 'react';
import { LocalesMenuButton, Notification, useTranslate } from 'react-admin';
import icon from '../icon.svg';
import { Outage } from './Outage';
import { useDocumentTitle } from './title';

/** What surrounds a page that nobody needs to be signed in for. */
export const Entrance = ({ title, children }: { title: string; children: ReactNode }) => {
    const translate = useTranslate();
    useDocumentTitle(translate(title));
    return (
        <Box component="main" sx={{ minHeight: '100vh', bgcolor: 'background.default', display: 'flex', flexDirection: 'column' }}>
            <Outage />
            <Box sx={{ display: 'flex', justifyContent: 'flex-end', p: 1, color: 'text.primary' }}>
                <LocalesMenuButton />
            </Box>
            <Stack sx={{ alignItems: 'center', px: 2, pt: { xs: 2, sm: '10vh' }, pb: 4, gap: 3 }}>
                <Stack direction="row" sx={{ alignItems: 'center', gap: 1.5 }}>
                    <img src={icon} alt="" width={48} height={48} />
                    <Typography variant="h4" component="p">Karana</Typography>
                </Stack>
                <Card sx={{ width: '100%', maxWidth: 380 }}>
                    <CardContent sx={{ p: 3 }}>
                        <Typography variant="h6" component="h1" gutterBottom>
                            {translate(title)}
                        </Typography>
                        {children}
                    </CardContent>
                </Card>
            </Stack>
            <Notification />
        </Box>
    );
};
