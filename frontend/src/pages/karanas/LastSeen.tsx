import { useRecordContext, useTranslate } from 'react-admin';
import { Time } from '../../components/Time';
import type { Karana } from './karana';

export const LastSeen = () => {
    const [translate, karana] = [useTranslate(), useRecordContext<Karana>()];
    if (karana?.status === undefined) return null;
    return <Time at={karana.status.last_seen} empty={translate('karana.never')} />;
};
