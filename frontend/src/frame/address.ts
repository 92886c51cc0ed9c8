// Addresses that are written by hand, and those of links that are not the router's, make entries in the browser's history that
// the router has not numbered. It cannot go back from one, and so asks nobody before it leaves a form for it. Here they get
// a number as its own have.
import { useEffect } from 'react';
import { useLocation } from 'react-router-dom';

const number = (): number | undefined => (history.state as { idx?: number } | null)?.idx;

/** That of the entry that the router shows. */
let shown = 0;

/** To be called before there is a router: of two who listen, the browser tells the first one first. */
export function numberAddresses(): void {
    window.addEventListener('popstate', () => {
        // Such an entry always comes right behind the one that was shown.
        if (number() === undefined) history.replaceState({ idx: shown + 1 }, '');
    });
}

/** Keeps in mind which entry is shown. */
export function useAddress(): void {
    const location = useLocation();
    useEffect(() => {
        shown = number() ?? shown;
    }, [location]);
}
