import Alert from '@mui/material/Alert';
import Box from '@mui/material/Box';
import Button from '@mui/material/Button';
import CircularProgress from '@mui/material/CircularProgress';
import MenuItem from '@mui/material/MenuItem';
import Table from '@mui/material/Table';
import TableBody from '@mui/material/TableBody';
import TableCell from '@mui/material/TableCell';
import TableContainer from '@mui/material/TableContainer';
import TableHead from '@mui/material/TableHead';
import TableRow from '@mui/material/TableRow';
import TextField from '@mui/material/TextField';
import Typography from '@mui/material/Typography';
import { Suspense, lazy, useState } from 'react';
import { useLocale, useRecordContext, useTranslate } from 'react-admin';
import { useAnswer } from '../../api';
import { Time } from '../../components/Time';
import type { Karana } from './karana';
import { type Measured, type Series, extremes, stepSeconds } from './series';

const Plot = lazy(() => import('./Plot'));

// The chart is of a day: that is new enough.
const REFRESHED = 5 * 60_000;

/** What a karana has posted on the last day. */
export const Measurements = () => {
    const [translate, karana] = [useTranslate(), useRecordContext<Karana>()];
    if (karana === undefined) return null;
    if (karana.owner === null) return <Typography variant="body2">{translate('karana.fleet.measured.stock')}</Typography>;
    return <LastDay key={karana.owner} id={karana.id} />;
};

const LastDay = ({ id }: { id: string }) => {
    const translate = useTranslate();
    const { data, error } = useAnswer<Series>(`/v2/karanas/${id}/series`, { key: ['series', id], refetchInterval: REFRESHED });
    const [chosen, choose] = useState<string>();
    const [isTable, setTable] = useState(false);
    if (error !== null && data === undefined) {
        const why = error.status === 503 ? 'karana.fleet.measured.away' : error.message;
        return <Alert severity="warning">{translate(why, { _: why })}</Alert>;
    }
    if (data === undefined) return <CircularProgress aria-label={translate('ra.message.loading')} />;
    const posted = data.series.filter(({ points }) => points.length > 0);
    const shown = posted.find(({ field }) => field === chosen) ?? posted[0];
    if (shown === undefined) return <Typography variant="body2">{translate('karana.fleet.measured.nothing')}</Typography>;
    return (
        <>
            <Box sx={{ display: 'flex', flexWrap: 'wrap', gap: 1, mb: 1, alignItems: 'center' }}>
                <TextField
                    select size="small" margin="none" fullWidth={false} label={translate('karana.fleet.measured.field')} value={shown.field}
                    onChange={event => choose(event.target.value)} sx={{ minWidth: 140 }}
                >
                    {posted.map(({ field }) => (
                        <MenuItem key={field} value={field}>
                            {field}
                        </MenuItem>
                    ))}
                </TextField>
                <Button onClick={() => setTable(!isTable)}>
                    {translate(isTable ? 'karana.fleet.measured.as_chart' : 'karana.fleet.measured.as_table')}
                </Button>
            </Box>
            {isTable ? <Values of={shown} /> : <Chart of={shown} series={data} />}
            <Typography variant="caption" color="text.secondary">
                {translate('karana.fleet.measured.step', { every: data.every })}
            </Typography>
        </>
    );
};

const Chart = ({ of: { field, points }, series: { every, from, to } }: { of: Measured; series: Series }) => {
    const [translate, locale] = [useTranslate(), useLocale()];
    const number = new Intl.NumberFormat(locale, { maximumSignificantDigits: 5 });
    const ends = extremes(points);
    const name = translate('karana.fleet.measured.summary', {
        field, least: number.format(ends?.least ?? NaN), most: number.format(ends?.most ?? NaN), last: number.format(ends?.last ?? NaN),
    });
    return (
        <Box role="img" aria-label={name}>
            <Suspense fallback={<Box sx={{ height: 240 }} />}>
                <Plot
                    field={field} timeLabel={translate('karana.fleet.measured.time')} points={points} step={stepSeconds(every)}
                    from={Date.parse(from) / 1000} to={Date.parse(to) / 1000} locale={locale}
                />
            </Suspense>
        </Box>
    );
};

const Values = ({ of: { field, points } }: { of: Measured }) => {
    const [translate, locale] = [useTranslate(), useLocale()];
    const number = new Intl.NumberFormat(locale, { maximumSignificantDigits: 8 });
    return (
        <TableContainer sx={{ maxHeight: 320 }} tabIndex={0} role="region" aria-label={field}>
            <Table size="small" stickyHeader>
                <TableHead>
                    <TableRow>
                        <TableCell>{translate('karana.fleet.measured.time')}</TableCell>
                        <TableCell align="right">{field}</TableCell>
                    </TableRow>
                </TableHead>
                <TableBody>
                    {points.map(([at, value]) => (
                        <TableRow key={at}>
                            <TableCell>
                                <Time at={at} />
                            </TableCell>
                            <TableCell align="right">{number.format(value)}</TableCell>
                        </TableRow>
                    ))}
                </TableBody>
            </Table>
        </TableContainer>
    );
};
