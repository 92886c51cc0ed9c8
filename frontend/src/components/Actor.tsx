import { useTranslate } from 'react-admin';
import { Reference } from './FieldValue';

const BY_KEY = /^users\/([0-9a-f-]{36})$/;

/** Who did it: the name of then, and the user of now behind it; or a part of the program. */
export const Actor = ({ actor, author }: { actor: string; author?: string }) => {
    const translate = useTranslate();
    const user = BY_KEY.exec(actor)?.[1];
    if (author && user !== undefined) return <>{author}</>;
    if (user !== undefined) return <Reference to="users" id={user} />;
    return <>{translate(`karana.past.actors.${actor}`, { _: author || actor })}</>;
};
