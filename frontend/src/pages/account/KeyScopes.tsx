import { useRecordContext, useTranslate } from 'react-admin';
import { inWords } from './scopes';

/** What the key in context may do, in words. */
export const KeyScopes = () => {
    const [translate, record] = [useTranslate(), useRecordContext<{ id: string; scopes: string[] }>()];
    return <>{inWords(record?.scopes ?? [], translate).map(line => <div key={line}>{line}</div>)}</>;
};
