import PrintIcon from '@mui/icons-material/Print';
import Alert from '@mui/material/Alert';
import Button from '@mui/material/Button';
import Stack from '@mui/material/Stack';
import Typography from '@mui/material/Typography';
import { Suspense, lazy, useState } from 'react';
import { Labeled, useRecordContext, useTranslate } from 'react-admin';
import { useStanding } from '../../api';
import { Copyable, Secret } from '../../components/Secret';
import { isWhole } from '../../dataProvider';
import { configLine, curlLine, deviceOf } from './device';
import type { Karana } from './karana';

const DeviceSheet = lazy(() => import('./DeviceSheet'));

/** What somebody needs who flashes the device. */
export const DeviceSection = () => {
    const [translate, karana, standing] = [useTranslate(), useRecordContext<Karana>(), useStanding()];
    const [isPrinting, setPrinting] = useState(false);
    if (karana === undefined || standing === undefined) return null;
    const device = deviceOf(karana, standing.influxdb);
    if (device === undefined) {
        // Its password may be on its way.
        if (karana.owner !== null && standing.influxdb !== null && !isWhole(karana)) return null;
        const why = karana.owner === null ? 'stock' : standing.influxdb === null ? 'no_influxdb' : 'no_secrets';
        return <Typography variant="body2">{translate(`karana.fleet.device.${why}`)}</Typography>;
    }
    const word = (name: string) => translate(`karana.fleet.device.${name}`);
    return (
        <Stack spacing={1.5} sx={{ alignItems: 'flex-start' }}>
            {karana.status?.handover && <Alert severity="warning">{word('handover')}</Alert>}
            <Copyable label={word('address')} text={`${device.place.host}:${device.place.port}`} />
            <Copyable label={word('database')} text={device.owner} />
            <Copyable label={word('user')} text={device.uuid} />
            <Labeled label={word('password')}>
                <Secret value={device.password} label={word('password')} />
            </Labeled>
            <Labeled label={word('config_line')}>
                <Secret value={configLine(device)} label={word('config_line')} />
            </Labeled>
            <Labeled label={word('curl_line')}>
                <Secret value={curlLine(device)} label={word('curl_line')} />
            </Labeled>
            <Typography variant="body2" color="text.secondary">
                {word('curl_help')}
            </Typography>
            <Button startIcon={<PrintIcon />} onClick={() => setPrinting(true)}>
                {word('sheet')}
            </Button>
            {isPrinting && (
                <Suspense fallback={null}>
                    <DeviceSheet device={device} onClose={() => setPrinting(false)} />
                </Suspense>
            )}
        </Stack>
    );
};
