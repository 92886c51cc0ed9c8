import Box from '@mui/material/Box';
import type { ReactNode } from 'react';

/** What stands at the end of a line of a SimpleList, which does so with texts alone. */
export const Aside = ({ children }: { children: ReactNode }) => (
    <Box component="span" sx={{ float: 'right', typography: 'body2' }}>
        {children}
    </Box>
);
