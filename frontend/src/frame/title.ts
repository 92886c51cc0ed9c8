import { useEffect } from 'react';

const PRODUCT = 'Karana';

export const titled = (page: string | null): string => {
    const name = page?.trim() ?? '';
    return name === '' || name === PRODUCT ? PRODUCT : `${name} · ${PRODUCT}`;
};

/** The title of a page without a bar. */
export function useDocumentTitle(page: string): void {
    useEffect(() => {
        document.title = titled(page);
    }, [page]);
}

/** Every page writes its title into the bar, at `#react-admin-title`: the window gets the same. */
export function useTitleOfBar(): void {
    useEffect(() => {
        const place = document.getElementById('react-admin-title');
        if (place === null) return;
        const show = () => {
            document.title = titled(place.textContent);
            // It is cut off where it is too long.
            place.title = place.textContent ?? '';
        };
        const observer = new MutationObserver(show);
        observer.observe(place, { childList: true, characterData: true, subtree: true });
        show();
        return () => observer.disconnect();
    }, []);
}
