import Alert from '@mui/material/Alert';
import Button from '@mui/material/Button';
import CircularProgress from '@mui/material/CircularProgress';
import type { ReactNode } from 'react';
import { useResourceContext, useTranslate } from 'react-admin';
import { useDescription } from '../../description';
import type { Description } from '../../schema';

/** Waits for the description, of which the page of a resource is made. */
export const Described = ({ children }: { children: (description: Description, resource: string) => ReactNode }) => {
    const [translate, resource] = [useTranslate(), useResourceContext()];
    const { data, error, refetch } = useDescription();
    if (data !== undefined && resource !== undefined) return children(data, resource);
    if (error === null) return <CircularProgress aria-label={translate('ra.page.loading')} sx={{ m: 4 }} />;
    const again = <Button color="inherit" onClick={() => void refetch()}>{translate('karana.past.try_again')}</Button>;
    return <Alert severity="error" action={again} sx={{ my: 2 }}>{translate(error.message)}</Alert>;
};
