import Box from '@mui/material/Box';
import FormControl from '@mui/material/FormControl';
import FormControlLabel from '@mui/material/FormControlLabel';
import FormLabel from '@mui/material/FormLabel';
import Radio from '@mui/material/Radio';
import RadioGroup from '@mui/material/RadioGroup';
import Typography from '@mui/material/Typography';
import { useTranslate } from 'react-admin';
import type { Choice, Clash } from '../past/threeWay';
import type { Json } from '../client';
import { FieldValue, useFields, useLabels } from './FieldValue';

interface Props {
    resource: string;
    clashes: Clash[];
    choices: Record<string, Choice>;
    choose: (source: string, choice: Choice) => void;
}

/** Field by field: as it was, theirs, mine. Where both have changed one, it has to be one of the two. */
export const Clashes = ({ resource, clashes, choices, choose }: Props) => {
    const [translate, label, fields] = [useTranslate(), useLabels(), useFields(resource)];
    return (
        <Box sx={{ display: 'grid', gap: 2, gridTemplateColumns: 'repeat(auto-fill, minmax(min(100%, 240px), 1fr))' }}>
            {clashes.map(clash => {
                const { source, by } = clash;
                const line = (whose: 'was' | Choice, value: Json | undefined) => (
                    <Typography key={whose} component="span" variant="body2" sx={{ display: 'block', overflowWrap: 'anywhere' }}>
                        {translate(`karana.past.${whose}`)}: <FieldValue field={fields.get(source)} value={value} />
                    </Typography>
                );
                const title = label(resource, source);
                if (by !== 'both') {
                    return (
                        <Box key={source} data-clash={source}>
                            <Typography variant="subtitle2" component="p">{title}</Typography>
                            {line('was', clash.base)}
                            {by === 'me' ? line('mine', clash.mine) : line('theirs', clash.theirs)}
                        </Box>
                    );
                }
                return (
                    <FormControl key={source} data-clash={source}>
                        <FormLabel id={`clash-${source}`} sx={{ typography: 'subtitle2', color: 'inherit' }}>{title}</FormLabel>
                        {line('was', clash.base)}
                        <RadioGroup
                            aria-labelledby={`clash-${source}`} value={choices[source] ?? 'mine'}
                            onChange={(_, choice) => choose(source, choice === 'theirs' ? 'theirs' : 'mine')}
                        >
                            <FormControlLabel value="mine" control={<Radio size="small" />} label={line('mine', clash.mine)} />
                            <FormControlLabel value="theirs" control={<Radio size="small" />} label={line('theirs', clash.theirs)} />
                        </RadioGroup>
                    </FormControl>
                );
            })}
        </Box>
    );
};
