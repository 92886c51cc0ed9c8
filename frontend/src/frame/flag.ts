import { useSyncExternalStore } from 'react';
import type { Flag } from '../flag';

/** How the flag stands, now and when it turns. */
export const useFlag = (flag: Flag): boolean => useSyncExternalStore(flag.subscribe, flag.get);
