import type { Backup, Health } from '../../authProvider';

export type Grade = 'good' | 'attention' | 'none';

/** `GET /v2/about` says it in three ways. */
export type History = { state: 'being_verified' } | { state: 'verified'; revisions: number } | { state: 'damaged'; reason: string };

export const ofHistory = (history: History): Grade =>
    history.state === 'damaged' ? 'attention' : history.state === 'verified' ? 'good' : 'none';

export const ofSync = ({ state, failures }: Health['sync'][string]): Grade =>
    state === 'not_configured' ? 'none' : failures.length > 0 ? 'attention' : 'good';

/** Changes wait some seconds for the next push: what is behind for longer, or has failed, is to be looked at. */
export const ofBackup = (backup: string | Backup): Grade => {
    if (typeof backup === 'string') return 'attention';
    return backup.error !== null || backup.behind_seconds > 600 ? 'attention' : 'good';
};
