import Alert from '@mui/material/Alert';
import Box from '@mui/material/Box';
import Button from '@mui/material/Button';
import Stack from '@mui/material/Stack';
import Typography from '@mui/material/Typography';
import { RecordContextProvider, Title, useTranslate } from 'react-admin';
import { Link } from 'react-router-dom';
import { Part } from '../../components/Part';
import { Copy } from '../../components/Secret';
import { KeyScopes } from './KeyScopes';
import { curl } from './curl';

/** A key as the answer that makes it has it. */
export interface Made {
    id: string;
    name: string;
    key: string;
    scopes: string[];
}

const Line = ({ text, label }: { text: string; label: string }) => (
    <Stack direction="row" sx={{ alignItems: 'center', gap: 1, my: 1 }}>
        <Box component="code" sx={{ p: 1, bgcolor: 'action.hover', borderRadius: 1, overflowWrap: 'anywhere', minWidth: 0 }}>{text}</Box>
        <Copy text={text} label={label} />
    </Stack>
);

/** What is shown of a key that has just been made, and never again. */
export const NewKey = ({ made }: { made: Made }) => {
    const translate = useTranslate();
    return (
        <Stack sx={{ my: 2, maxWidth: 720 }}>
            <Title title="karana.account.keys.key" />
            <Part title={translate('karana.account.keys.made', { name: made.name })}>
                <Alert severity="warning">{translate('karana.account.keys.once')}</Alert>
                <Line text={made.key} label={translate('karana.account.keys.key')} />
                <RecordContextProvider value={made}>
                    <Typography component="div" variant="body2" gutterBottom><KeyScopes /></Typography>
                </RecordContextProvider>
                <Typography>{translate('karana.account.keys.try')}</Typography>
                <Line text={curl(window.location.origin, made)} label={translate('karana.account.keys.command')} />
                <Button variant="contained" component={Link} to="/keys">{translate('karana.account.keys.done')}</Button>
            </Part>
        </Stack>
    );
};
