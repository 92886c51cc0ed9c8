import Chip from '@mui/material/Chip';
import { useTranslate } from 'react-admin';
import type { Change } from '../../past/versions';

export const ACTIONS = ['create', 'update', 'delete'] as const;

const COLOURS = { create: 'success', update: 'default', delete: 'error' } as const;

/** What was done, in a word. */
export const Action = ({ of }: { of: Change['action'] }) => (
    <Chip size="small" variant="outlined" color={COLOURS[of]} label={useTranslate()(`karana.past.action.${of}`)} />
);
