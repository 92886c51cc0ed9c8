// What lists ask for.

/** The states of a karana's connection, as they are shown beside each other. */
export const CONNECTIONS = ['online', 'late', 'offline', 'unknown'] as const;

/** What of each record is read: the live state, and no secrets. */
export const LIST: Record<string, string> = {
    karanas:
        'include=status&fields=uuid,name,note,owner,state,kid,created_at,config.series,config.signal,config.post_int,config.get_int',
    users: 'include=status&fields=uuid,name,email,role,state,created_at',
};

/** Of the dashboard: how many changes of late, and how many of an owner's own karanas. */
export const [CHANGES, OWN] = [8, 12];
