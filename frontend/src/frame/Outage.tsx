import Alert from '@mui/material/Alert';
import Box from '@mui/material/Box';
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import { useTranslate } from 'react-admin';
import { client } from '../api';
import { isForm } from '../live';
import { useFlag } from './flag';

/**
 * Says that the server does not answer, or wants no calls, for as long as that is so, `below` so many pixels from above. Then what is shown is
 * asked for again.
 */
export const Outage = ({ below = 0 }: { below?: number }) => {
    const [translate, queries] = [useTranslate(), useQueryClient()];
    const [away, held] = [useFlag(client.away), useFlag(client.held)];
    const was = useRef(away);
    useEffect(() => {
        if (was.current && !away) {
            void queries.invalidateQueries({
                predicate: ({ queryKey: [, method, params] }) => !(method === 'getOne' && isForm(params)),
            });
        }
        was.current = away;
    }, [away, queries]);
    return (
        <Box role="status" sx={{ position: 'sticky', top: below, zIndex: 'speedDial' }}>
            {(away || held) && (
                <Alert severity="warning" variant="filled" sx={{ borderRadius: 0 }} icon={false}>
                    {translate(away ? 'karana.frame.away' : 'karana.frame.held')}
                </Alert>
            )}
        </Box>
    );
};
