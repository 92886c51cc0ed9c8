import { type ReactElement, type ReactNode, useState } from 'react';
import { Edit, type EditProps, SimpleForm } from 'react-admin';
import { Meanwhile } from './Meanwhile';
import { OPENED } from './opened';
import { MayGo, useUnsaved } from './unsaved';

// When another version takes the place of the one that was opened, what was written stays.
const KEEP = { keepDirtyValues: true };

type Props = Omit<EditProps, 'children'> & { children: ReactNode; toolbar?: ReactElement };

/** A form for a record that is there. It holds the version that it was opened with, and is told when that is not the last. */
export const RecordEdit = ({ children, toolbar, ...props }: Props) => {
    const { warnWhenUnsavedChanges, formRootPathname } = useUnsaved();
    const [mayGo, setMayGo] = useState(false);
    return (
        <MayGo.Provider value={setMayGo}>
            <Edit mutationMode="pessimistic" queryOptions={OPENED} {...props}>
                <SimpleForm
                    toolbar={toolbar} resetOptions={KEEP} formRootPathname={formRootPathname}
                    warnWhenUnsavedChanges={warnWhenUnsavedChanges && !mayGo}
                >
                    <Meanwhile />
                    {children}
                </SimpleForm>
            </Edit>
        </MayGo.Provider>
    );
};
