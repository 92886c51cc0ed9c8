import { type ComponentType, lazy, useState } from 'react';

/** A page that comes when it is opened; at once, when it has been fetched before. */
export function page<Name extends string>(load: () => Promise<Record<Name, ComponentType>>, name: Name) {
    let fetched: ComponentType | undefined;
    const fetch = async () => {
        fetched = (await load())[name];
        return { default: fetched };
    };
    const Later = lazy(fetch);
    const Page = () => {
        // What is lazy waits even if it is there: React shows the waiting, and then leaves it for a third of a second.
        const [Now] = useState(() => fetched ?? Later);
        return <Now />;
    };
    return Object.assign(Page, { fetch });
}
