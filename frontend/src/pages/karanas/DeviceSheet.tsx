import PrintIcon from '@mui/icons-material/Print';
import Box from '@mui/material/Box';
import Button from '@mui/material/Button';
import Dialog from '@mui/material/Dialog';
import DialogActions from '@mui/material/DialogActions';
import GlobalStyles from '@mui/material/GlobalStyles';
import { useId } from 'react';
import { useGetOne, useTranslate } from 'react-admin';
import { Time } from '../../components/Time';
import { type Device, configLine, curlLine } from './device';
import { qr } from './qr';

// On paper there is the sheet alone, over as many pages as it takes.
const PRINT = {
    '@page': { margin: '15mm' },
    '@media print': {
        '#root, .sheet-actions, .MuiBackdrop-root': { display: 'none !important' },
        '.MuiDialog-root': { position: 'static !important' },
        '.MuiDialog-container': { height: 'auto !important', display: 'block !important' },
        '.MuiDialog-paper': { maxHeight: 'none !important', boxShadow: 'none !important', background: 'white !important' },
        body: { background: 'white !important', overflow: 'visible !important' },
    },
};

/** All that belongs to a device on one page, to be taken along. It is white and black whatever the theme. */
export default function DeviceSheet({ device, onClose }: { device: Device; onClose: () => void }) {
    const [translate, title] = [useTranslate(), useId()];
    const { data: owner } = useGetOne('users', { id: device.owner });
    const line = configLine(device);
    const rows: [label: string, text: string][] = [
        ['address', `${device.place.host}:${device.place.port}`],
        ['database', device.owner],
        ['user', device.uuid],
        ['password', device.password],
        ['config_line', line],
        ['curl_line', curlLine(device)],
    ];
    return (
        <Dialog open fullScreen onClose={onClose} aria-labelledby={title}>
            <GlobalStyles styles={PRINT} />
            <DialogActions className="sheet-actions">
                <Button onClick={onClose}>{translate('ra.action.close')}</Button>
                <Button variant="contained" startIcon={<PrintIcon />} onClick={() => window.print()}>
                    {translate('karana.fleet.device.print')}
                </Button>
            </DialogActions>
            <Box sx={{ bgcolor: 'white', color: 'black', p: 3, flex: 1 }}>
                <Box component="h1" id={title} sx={{ m: 0, fontSize: 28, overflowWrap: 'anywhere' }}>
                    {device.karana.name}
                </Box>
                <Box component="p" sx={{ mt: 0.5 }}>
                    {owner?.name || owner?.email}
                    {device.karana.kid !== null && ` · ${device.karana.kid}`} · <Time at={new Date().toISOString()} />
                </Box>
                <QrCode text={line} label={translate('karana.fleet.device.qr')} />
                <Box component="dl" sx={{ '& dt': { fontWeight: 'bold', mt: 1.5 }, '& dd': { m: 0, overflowWrap: 'anywhere' } }}>
                    {rows.map(([label, text]) => (
                        <div key={label}>
                            <dt>{translate(`karana.fleet.device.${label}`)}</dt>
                            <dd>
                                <code>{text}</code>
                            </dd>
                        </div>
                    ))}
                </Box>
            </Box>
        </Dialog>
    );
}

// Four modules of white around it, by which readers find it.
const MARGIN = 4;

const QrCode = ({ text, label }: { text: string; label: string }) => {
    const { size, path } = qr(text);
    return (
        <svg
            role="img" aria-label={label} width={200} height={200} shapeRendering="crispEdges"
            viewBox={`${-MARGIN} ${-MARGIN} ${size + 2 * MARGIN} ${size + 2 * MARGIN}`}
        >
            <path d={path} fill="black" />
        </svg>
    );
};
