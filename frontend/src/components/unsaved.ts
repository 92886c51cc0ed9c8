import { createContext, useCallback, useContext } from 'react';
import { flushSync } from 'react-dom';
import { client } from '../api';
import { useFlag } from '../frame/flag';

// Every other page is one where what was written is lost; react-admin means those whose address goes on where the form's ends
// not to be, as a record's history.
const NOWHERE = 'nowhere';

/** For a form: it asks before it is left with what is not saved. Who has signed out is not held. */
export const useUnsaved = () => ({ warnWhenUnsavedChanges: useFlag(client.somebody), formRootPathname: NOWHERE });

/** Of the form around, if there is one: says whether what is in it may go. */
export const MayGo = createContext<(mayGo: boolean) => void>(() => {});

/** Lets the form around be left: there is nothing any more that could be saved. */
export function useGiveUp(): () => void {
    const say = useContext(MayGo);
    // At once: what leads away comes next.
    return useCallback(() => flushSync(() => say(true)), [say]);
}
