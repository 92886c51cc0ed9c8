import { localStorageStore, type Store } from 'react-admin';

const store = localStorageStore();

// Of the browser, not of who is signed in.
const KEPT = ['locale', 'theme', 'sidebar.open'];

/** What has been chosen here; signing out forgets all but what is nobody's in particular. */
export const preferences: Store = {
    ...store,
    reset() {
        for (const key of Object.keys(store.listItems?.() ?? {})) if (!KEPT.includes(key)) store.removeItem(key);
    },
};
