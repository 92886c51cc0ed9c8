import Box from '@mui/material/Box';
import type { ReactNode } from 'react';
import { useGetRecordRepresentation, useRecordContext, useResourceContext } from 'react-admin';
import { valueAt } from '../schema';

interface Props {
    text: string;
    /** How wide it may be; in a table no part of it, as its columns have no width before that of their texts is known. */
    most?: string;
    /** What shows the text, if that alone will not do. */
    children?: ReactNode;
}

/** A text that may be longer than its place: the end is cut off, and the whole shown when the pointer rests on it. */
export const Cut = ({ text, most = '14rem', children = text }: Props) => (
    <Box
        component="span" title={text}
        sx={{
            display: 'inline-block', maxWidth: most, overflow: 'hidden', textOverflow: 'ellipsis', whiteSpace: 'nowrap',
            verticalAlign: 'middle',
        }}
    >
        {children}
    </Box>
);

/** A field of the record in context. */
export const CutField = ({ source, ...more }: { source: string; label?: string } & Omit<Props, 'text'>) => {
    const value = valueAt(useRecordContext(), source) ?? '';
    return <Cut text={typeof value === 'object' ? JSON.stringify(value) : String(value)} {...more} />;
};

/** By what people know the record in context. */
export const CutName = ({ of, ...more }: { of?: string } & Omit<Props, 'text' | 'children'>) => {
    const [record, resource] = [useRecordContext(), useResourceContext()];
    const represent = useGetRecordRepresentation(of ?? resource);
    return record === undefined ? null : <Cut text={String(represent(record))} {...more} />;
};

/** In a line of a SimpleList, with room for what stands at its end. */
export const BESIDE = 'calc(100% - 8rem)';
