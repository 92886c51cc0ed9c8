import { useLocale, useRecordContext } from 'react-admin';
import { regional } from '../language/region';

/** A time in the viewer's zone, with UTC on hover. */
export const Time = ({ at, empty = '–' }: { at: string | null | undefined; empty?: string }) => {
    const locale = useLocale();
    if (!at) return <>{empty}</>;
    const time = new Date(at);
    const shown = time.toLocaleString(regional(locale), { dateStyle: 'medium', timeStyle: 'short' });
    return (
        <time dateTime={at} title={`${time.toISOString().slice(0, 19).replace('T', ' ')} UTC`}>
            {shown}
        </time>
    );
};

/** The same of a field of the record in context. */
export const TimeField = ({ source, empty }: { source: string; empty?: string; label?: string }) => {
    const record = useRecordContext();
    const value = source.split('.').reduce<unknown>((at, name) => (at as Record<string, unknown> | undefined)?.[name], record);
    return <Time at={value as string | undefined} empty={empty} />;
};
