import CopyIcon from '@mui/icons-material/ContentCopy';
import VisibilityIcon from '@mui/icons-material/Visibility';
import VisibilityOffIcon from '@mui/icons-material/VisibilityOff';
import Box from '@mui/material/Box';
import IconButton from '@mui/material/IconButton';
import Tooltip from '@mui/material/Tooltip';
import { useState } from 'react';
import { Labeled, useNotify, useTranslate } from 'react-admin';

/** A secret that is shown when it is asked for, and can be copied without. */
export const Secret = ({ value, label }: { value: string; label: string }) => {
    const translate = useTranslate();
    const [shown, setShown] = useState(false);
    const reveal = translate(shown ? 'karana.secret.hide' : 'karana.secret.reveal', { name: label });
    return (
        <Box component="span" sx={{ display: 'inline-flex', alignItems: 'center', gap: 0.5, maxWidth: '100%' }}>
            <Box component="code" sx={{ minWidth: 0, overflowWrap: 'anywhere' }}>
                {shown ? value : '•'.repeat(12)}
            </Box>
            <Tooltip title={reveal}>
                <IconButton size="small" aria-label={reveal} onClick={() => setShown(!shown)}>
                    {shown ? <VisibilityOffIcon fontSize="inherit" /> : <VisibilityIcon fontSize="inherit" />}
                </IconButton>
            </Tooltip>
            <Copy text={value} label={label} />
        </Box>
    );
};

// Over http there is no clipboard in many browsers: async makes that a refusal.
const write = async (text: string) => navigator.clipboard.writeText(text);

/** Brings a text to the clipboard. */
export const Copy = ({ text, label }: { text: string; label: string }) => {
    const [translate, notify] = [useTranslate(), useNotify()];
    const copy = translate('karana.secret.copy', { name: label });
    return (
        <Tooltip title={copy}>
            <IconButton
                size="small" aria-label={copy}
                onClick={() =>
                    void write(text).then(
                        () => notify('karana.secret.copied', { messageArgs: { name: label } }),
                        () => notify('karana.secret.no_clipboard', { type: 'warning' }),
                    )
                }
            >
                <CopyIcon fontSize="inherit" />
            </IconButton>
        </Tooltip>
    );
};

/** What is no secret, under its label, and can be copied. */
export const Copyable = ({ text, label }: { text: string; label: string }) => (
    <Labeled label={label}>
        <Box component="span" sx={{ overflowWrap: 'anywhere' }}>
            {text} <Copy text={text} label={label} />
        </Box>
    </Labeled>
);
