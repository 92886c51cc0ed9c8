import Alert from '@mui/material/Alert';
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import { useTranslate } from 'react-admin';
import { client } from '../api';
import { isForm } from '../live';
import { useFlag } from './flag';

/** Says that the server does not answer, for as long as that is so. Then what is shown is asked for again. */
export const Outage = () => {
    const [translate, queries, away] = [useTranslate(), useQueryClient(), useFlag(client.away)];
    const was = useRef(away);
    useEffect(() => {
        if (was.current && !away) {
            void queries.invalidateQueries({ predicate: ({ queryKey: [, method, params] }) => !(method === 'getOne' && isForm(params)) });
        }
        was.current = away;
    }, [away, queries]);
    return (
        <div role="status">
            {away && (
                <Alert severity="warning" variant="filled" sx={{ borderRadius: 0 }} icon={false}>
                    {translate('karana.frame.away')}
                </Alert>
            )}
        </div>
    );
};
