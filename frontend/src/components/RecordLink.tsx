import MuiLink from '@mui/material/Link';
import { useGetManyAggregate, useGetRecordRepresentation, useResourceDefinitions } from 'react-admin';
import { Link } from 'react-router-dom';

/** A record by its name, where it is known, and the way to it. Those that are shown at a time are asked for at once. */
export const RecordLink = ({ resource, uuid, name }: { resource: string; uuid: string; name?: string }) => {
    const hasPage = useResourceDefinitions()[resource]?.hasShow === true;
    const represent = useGetRecordRepresentation(resource);
    const { data, isPending } = useGetManyAggregate(resource, { ids: [uuid] }, { enabled: hasPage });
    const record = data?.[0];
    if (record !== undefined) {
        return (
            <MuiLink component={Link} to={`/${resource}/${uuid}/show`}>
                {represent(record)}
            </MuiLink>
        );
    }
    return <>{name ?? (hasPage && isPending ? '…' : uuid.slice(0, 8))}</>;
};
