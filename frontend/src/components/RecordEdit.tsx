import type { ReactElement, ReactNode } from 'react';
import { Edit, type EditProps, SimpleForm } from 'react-admin';

type Props = Omit<EditProps, 'children'> & { children: ReactNode; toolbar?: ReactElement };

/** A form for a record that is there. It holds the version that it was opened with, and is told when that is not the last. */
export const RecordEdit = ({ children, toolbar, ...props }: Props) => (
    <Edit
        mutationMode="pessimistic"
        queryOptions={{ meta: { form: true }, gcTime: 0, refetchOnWindowFocus: false, refetchOnReconnect: false }}
        {...props}
    >
        <SimpleForm toolbar={toolbar}>{children}</SimpleForm>
    </Edit>
);
