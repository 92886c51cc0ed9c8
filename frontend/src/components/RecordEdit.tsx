import type { ReactElement, ReactNode } from 'react';
import { Edit, type EditProps, SimpleForm } from 'react-admin';
import { Meanwhile } from './Meanwhile';
import { OPENED } from './opened';

// When another version takes the place of the one that was opened, what was written stays.
const KEEP = { keepDirtyValues: true };

type Props = Omit<EditProps, 'children'> & { children: ReactNode; toolbar?: ReactElement };

/** A form for a record that is there. It holds the version that it was opened with, and is told when that is not the last. */
export const RecordEdit = ({ children, toolbar, ...props }: Props) => (
    <Edit mutationMode="pessimistic" queryOptions={OPENED} {...props}>
        <SimpleForm toolbar={toolbar} resetOptions={KEEP}>
            <Meanwhile />
            {children}
        </SimpleForm>
    </Edit>
);
