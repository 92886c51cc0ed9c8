import { useGetList } from 'react-admin';
import { CONNECTIONS, LIVE } from '../../components/states';

export type Connection = (typeof CONNECTIONS)[number];

/** How many karanas are in each state, and one of them. A number each: however many there are, this is quick. */
export function useCounts(): Record<Connection, { total?: number; one?: string }> {
    const count = (of: Connection) => {
        const { total, data } = useGetList(
            'karanas',
            { filter: { connection: of }, pagination: { page: 1, perPage: 1 }, sort: { field: 'name', order: 'ASC' }, meta: 'fields=uuid' },
            LIVE,
        );
        return { total, one: data?.[0]?.id as string | undefined };
    };
    return { online: count('online'), late: count('late'), offline: count('offline'), unknown: count('unknown') };
}
