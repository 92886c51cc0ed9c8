import type { Backup, Health } from '../../authProvider';

// Pushes are tried again soon; behind for so long it is no hiccup, in seconds.
const TOO_LONG = 900;

/** The backup, where it does not keep up. */
export function backupBehind({ backup }: Pick<Health, 'backup'>): Backup | undefined {
    if (typeof backup === 'string') return undefined;
    return backup.error !== null || backup.behind_seconds > TOO_LONG ? backup : undefined;
}
