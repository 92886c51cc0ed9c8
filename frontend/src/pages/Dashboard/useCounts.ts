import { useGetList } from 'react-admin';
import { LIVE } from '../../components/states';
import type { CONNECTIONS } from '../../lists';

export type Connection = (typeof CONNECTIONS)[number];

export interface Count {
    total?: number;
    /** One of them. */
    one?: string;
    error: Error | null;
}

/** How many karanas are in each state. A number each: however many there are, this is quick. */
export function useCounts(): Record<Connection, Count> {
    const count = (of: Connection): Count => {
        const { total, data, error } = useGetList(
            'karanas',
            {
                filter: { connection: of }, pagination: { page: 1, perPage: 1 }, sort: { field: 'name', order: 'ASC' },
                meta: 'fields=uuid',
            },
            LIVE,
        );
        return { total, one: data?.[0]?.id as string | undefined, error };
    };
    return { online: count('online'), late: count('late'), offline: count('offline'), unknown: count('unknown') };
}
