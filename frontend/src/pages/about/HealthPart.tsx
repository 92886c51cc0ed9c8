import Box from '@mui/material/Box';
import Chip from '@mui/material/Chip';
import Typography from '@mui/material/Typography';
import type { ReactNode } from 'react';
import { useLocale, useTranslate } from 'react-admin';
import type { Backup, Health } from '../../authProvider';
import { Part } from '../../components/Part';
import { Time } from '../../components/Time';
import { regional } from '../../language/region';
import { type Grade, type History, ofBackup, ofHistory, ofSync } from './standing';

const NAMES: Record<string, string> = { influxdb: 'InfluxDB', grafana: 'Grafana' };

const Row = ({ name, grade, children }: { name: string; grade: Grade; children: ReactNode }) => {
    const translate = useTranslate();
    return (
        <Box sx={{ py: 1, borderTop: 1, borderColor: 'divider' }}>
            <Typography variant="subtitle2" component="h3">
                {name}{' '}
                {grade !== 'none' && (
                    <Chip
                        size="small" color={grade === 'good' ? 'success' : 'warning'} variant="outlined"
                        sx={{ color: 'text.primary', ml: 1 }} label={translate(`karana.account.about.${grade}`)}
                    />
                )}
            </Typography>
            <Typography variant="body2" component="div" sx={{ overflowWrap: 'anywhere' }}>{children}</Typography>
        </Box>
    );
};

const Past = ({ of }: { of: History }) => {
    const translate = useTranslate();
    if (of.state === 'verified') return translate('karana.account.about.verified', { smart_count: of.revisions });
    if (of.state === 'damaged') return translate('karana.account.about.damaged', { reason: of.reason });
    return translate('karana.account.about.being_verified');
};

const BackEnd = ({ of: { state, last_round, failures } }: { of: Health['sync'][string] }) => {
    const translate = useTranslate();
    if (state === 'not_configured') return translate('karana.account.about.not_configured');
    return (
        <>
            {translate(state === 'idle' ? 'karana.account.about.idle' : 'karana.account.about.working')}
            {failures.length > 0 && ` · ${translate('karana.account.about.failures', { smart_count: failures.length })}`}
            <br />
            {translate('karana.account.about.synced')}: <Time at={last_round} empty={translate('karana.account.about.no_round')} />
        </>
    );
};

const Copies = ({ of }: { of: string | Backup }) => {
    const translate = useTranslate();
    if (typeof of === 'string') return translate('karana.account.about.no_backup');
    const { remote, pushed, behind_since, error } = of;
    return (
        <>
            {pushed === null ? (
                translate('karana.account.about.never_pushed', { remote })
            ) : (
                <>{translate('karana.account.about.pushed', { remote })}: <Time at={pushed.at} /></>
            )}
            <br />
            {behind_since === null ? translate('karana.account.about.up_to_date') : <>{translate('karana.account.about.behind')}: <Time at={behind_since} /></>}
            {error !== null && (
                <><br />{error.reason} (<Time at={error.at} />; {translate('karana.account.about.next_try')}: <Time at={error.next_try} />)</>
            )}
        </>
    );
};

/** How the server does, in words. */
export const HealthPart = ({ health }: { health: Health }) => {
    const [translate, locale] = [useTranslate(), useLocale()];
    const { store, sync, backup } = health;
    const count = Object.values(store.records).reduce((sum, one) => sum + one, 0).toLocaleString(regional(locale));
    return (
        <Part title="karana.account.about.health">
            <Row name={translate('karana.account.about.store')} grade={store.takes_writes ? 'good' : 'attention'}>
                {translate(store.takes_writes ? 'karana.account.about.takes_writes' : 'karana.account.about.takes_none')}
                {' · '}{translate('karana.account.about.records', { count })}
            </Row>
            <Row name={translate('karana.account.about.history')} grade={ofHistory(store.history as History)}>
                <Past of={store.history as History} />
            </Row>
            {Object.entries(sync).map(([name, one]) => (
                <Row key={name} name={translate('karana.account.about.sync', { name: NAMES[name] ?? name })} grade={ofSync(one)}>
                    <BackEnd of={one} />
                </Row>
            ))}
            <Row name={translate('karana.account.about.backup')} grade={ofBackup(backup)}>
                <Copies of={backup} />
            </Row>
        </Part>
    );
};
