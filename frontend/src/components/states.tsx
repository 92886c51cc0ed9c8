import { DateField, FunctionField, type RaRecord, useRecordContext, useTranslate } from 'react-admin';
import { StateChip } from './StateChip';

const KINDS = { online: 'good', late: 'warning', offline: 'bad', unknown: 'neutral' } as const;

/** Choices whose names are translated: `karana.<of>.<id>`. */
export const choices = (of: string, ids: readonly string[]) => ids.map(id => ({ id, name: `karana.${of}.${id}` }));
export const STATES = choices('state', ['active', 'suspended']);
export const ROLES = choices('role', ['admin', 'manager', 'viewer', 'client']);

/** The server looks for devices once a minute; this adds little to that. A page that nobody looks at asks nothing. */
export const LIVE = { refetchInterval: 20_000 };

export const Connection = ({ of }: { of?: keyof typeof KINDS }) => {
    const translate = useTranslate();
    const record = useRecordContext();
    const state = of ?? (record?.status?.connection as keyof typeof KINDS | undefined);
    if (state === undefined) return null;
    return <StateChip kind={KINDS[state]} label={translate(`karana.connection.${state}`)} />;
};

export const LastSeen = () => {
    const translate = useTranslate();
    const record = useRecordContext();
    if (!record?.status) return null;
    return record.status.last_seen ? <DateField source="status.last_seen" showTime /> : <>{translate('karana.never')}</>;
};

export const OneOf = ({ of, source }: { of: string; source: string }) => {
    const translate = useTranslate();
    return <FunctionField source={source} render={(record: RaRecord) => translate(`karana.${of}.${record[source]}`)} />;
};
