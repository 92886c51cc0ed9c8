import { BulkDeleteButton, RecordContextProvider, useCanAccess, useListContext } from 'react-admin';
import { DeleteRecord } from './DeleteRecord';

/** One selected record with what hangs on it; several all at once or, when one is refused, none. */
export const DeleteSelected = () => {
    const { data, resource, selectedIds, onUnselectItems } = useListContext();
    const { canAccess } = useCanAccess({ resource, action: 'delete' });
    // The toolbar is folded away then, with buttons that one would still come to.
    if (!canAccess || selectedIds.length === 0) return null;
    const [only] = selectedIds.length === 1 ? (data ?? []).filter(({ id }) => id === selectedIds[0]) : [];
    if (only === undefined) return <BulkDeleteButton mutationMode="pessimistic" />;
    return (
        <RecordContextProvider value={only}>
            <DeleteRecord onDeleted={onUnselectItems} />
        </RecordContextProvider>
    );
};
