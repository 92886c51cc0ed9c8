import GoodIcon from '@mui/icons-material/CheckCircle';
import BadIcon from '@mui/icons-material/Error';
import NeutralIcon from '@mui/icons-material/RemoveCircleOutline';
import WaitingIcon from '@mui/icons-material/Schedule';
import WarningIcon from '@mui/icons-material/Warning';
import Chip from '@mui/material/Chip';

const KINDS = {
    good: <GoodIcon color="success" />,
    waiting: <WaitingIcon color="info" />,
    warning: <WarningIcon color="warning" />,
    bad: <BadIcon color="error" />,
    neutral: <NeutralIcon />,
};

/** How something stands, in a word with a sign: the colour alone says nothing. */
export const StateChip = ({ kind, label }: { kind: keyof typeof KINDS; label: string }) => (
    <Chip size="small" variant="outlined" icon={KINDS[kind]} label={label} />
);
