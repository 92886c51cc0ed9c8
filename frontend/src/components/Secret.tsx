import CopyIcon from '@mui/icons-material/ContentCopy';
import VisibilityIcon from '@mui/icons-material/Visibility';
import VisibilityOffIcon from '@mui/icons-material/VisibilityOff';
import Box from '@mui/material/Box';
import IconButton from '@mui/material/IconButton';
import Tooltip from '@mui/material/Tooltip';
import { useState } from 'react';
import { useNotify, useTranslate } from 'react-admin';

/** A secret that is shown when it is asked for, and can be copied without. */
export const Secret = ({ value, label }: { value: string; label: string }) => {
    const translate = useTranslate();
    const [shown, setShown] = useState(false);
    const reveal = translate(shown ? 'karana.secret.hide' : 'karana.secret.reveal', { name: label });
    return (
        <Box component="span" sx={{ display: 'inline-flex', alignItems: 'center', gap: 0.5 }}>
            <code>{shown ? value : '•'.repeat(12)}</code>
            <Tooltip title={reveal}>
                <IconButton size="small" aria-label={reveal} onClick={() => setShown(!shown)}>
                    {shown ? <VisibilityOffIcon fontSize="inherit" /> : <VisibilityIcon fontSize="inherit" />}
                </IconButton>
            </Tooltip>
            <Copy text={value} label={label} />
        </Box>
    );
};

/** Brings a text to the clipboard. */
export const Copy = ({ text, label }: { text: string; label: string }) => {
    const [translate, notify] = [useTranslate(), useNotify()];
    const copy = translate('karana.secret.copy', { name: label });
    return (
        <Tooltip title={copy}>
            <IconButton
                size="small" aria-label={copy}
                onClick={() =>
                    void navigator.clipboard.writeText(text).then(
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
