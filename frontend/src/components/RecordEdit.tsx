import type { ReactNode } from 'react';
import { Edit, type EditProps, SimpleForm } from 'react-admin';

/** A form for a record that is there. It holds the version that it was opened with, and is told when that is not the last. */
export const RecordEdit = ({ children, ...props }: Omit<EditProps, 'children'> & { children: ReactNode }) => (
    <Edit
        mutationMode="pessimistic"
        queryOptions={{ meta: { form: true }, gcTime: 0, refetchOnWindowFocus: false, refetchOnReconnect: false }}
        {...props}
    >
        <SimpleForm>{children}</SimpleForm>
    </Edit>
);
