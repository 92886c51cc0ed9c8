import Alert from '@mui/material/Alert';
import Box from '@mui/material/Box';
import Link from '@mui/material/Link';
import Stack from '@mui/material/Stack';
import Typography from '@mui/material/Typography';
import type { ReactNode } from 'react';
import { Title, useTranslate } from 'react-admin';
import { useAnswer } from '../../api';
import type { About } from '../../authProvider';
import { Part } from '../../components/Part';
import { useRefusalInWords } from '../../frame/refusal';
import { HealthPart } from './HealthPart';
import { LICENCES } from './licences';

const KEYS = [
    ['Tab', 'tab'], ['Enter', 'enter'], ['Space', 'space'], ['← ↑ → ↓', 'arrows'], ['Esc', 'escape'], ['Tab, Enter', 'skip'],
] as const;

/** Terms, each with what is said of it. */
const Terms = ({ terms }: { terms: readonly (readonly [ReactNode, ReactNode])[] }) => (
    <Box
        component="dl"
        sx={{ m: 0, display: 'grid', gridTemplateColumns: { sm: 'max-content 1fr' }, columnGap: 2, '& dd': { m: 0, mb: 1, overflowWrap: 'anywhere' } }}
    >
        {terms.map(([term, said], index) => (
            <Box key={index} sx={{ display: 'contents' }}>
                <Typography component="dt" color="textSecondary">{term}</Typography>
                <Typography component="dd">{said}</Typography>
            </Box>
        ))}
    </Box>
);

const Server = ({ about: { version, tenant, influxdb, grafana } }: { about: About }) => {
    const translate = useTranslate();
    const terms: [ReactNode, ReactNode][] = [
        [translate('karana.account.about.version'), `Karana ${version}`],
        [translate('karana.account.about.tenant'), tenant.name],
        [translate('karana.account.about.tenant_id'), <code>{tenant.id}</code>],
    ];
    if (influxdb !== null) terms.push([translate('karana.account.about.influxdb'), `${influxdb.host}:${influxdb.port}`]);
    if (grafana !== null) terms.push([translate('karana.account.about.grafana'), <Link href={grafana.url}>{grafana.url}</Link>]);
    terms.push(['API', (
        <>
            <Link href="/docs">{translate('karana.account.about.docs')}</Link> · <Link href="/openapi.json">{translate('karana.account.about.openapi')}</Link>
        </>
    )]);
    return <Terms terms={terms} />;
};

/** What this server is and how it does, and what it and the page are made of. */
export const AboutPage = () => {
    const [translate, inWords] = [useTranslate(), useRefusalInWords()];
    const { data: about, error } = useAnswer<About>('/v2/about', { refetchInterval: 60_000 });
    return (
        <Stack sx={{ gap: 2, my: 2, maxWidth: 720 }}>
            <Title title="karana.account.about.title" />
            {error && <Alert severity="error">{inWords(error)}</Alert>}
            {about && <Part title={about.tenant.name}><Server about={about} /></Part>}
            {about?.health && <HealthPart health={about.health} />}
            <Part title="karana.account.about.keyboard">
                <Terms terms={KEYS.map(([key, does]) => [<kbd>{key}</kbd>, translate(`karana.account.about.keys.${does}`)])} />
            </Part>
            <Part title="karana.account.about.licences">
                <Typography gutterBottom>{translate('karana.account.about.licences_help')}</Typography>
                <Terms terms={LICENCES} />
            </Part>
        </Stack>
    );
};
