import { ReferenceField, TextField, useLocale, useRecordContext, useTranslate } from 'react-admin';
import { useDescription } from '../description';
import { regional } from '../language/region';
import { type Field, fieldsOf, humanised, money, valueAt } from '../schema';
import { CutName } from './Cut';
import { Time } from './Time';

/** The described fields of a resource by their names, none as long as the description is not there. */
export function useFields(resource: string): Map<string, Field> {
    const { data } = useDescription();
    if (data === undefined) return new Map();
    // What is only written stands nowhere else.
    const all = [...fieldsOf(data, resource, 'New'), ...fieldsOf(data, resource, 'Record')];
    return new Map(all.map(field => [field.source, field]));
}

/** How a field is called: as it is translated, or else by its own name. */
export function useLabels() {
    const translate = useTranslate();
    return (resource: string, source: string) =>
        translate(`resources.${resource}.fields.${source}`, { _: humanised(source) });
}

/** One of a few values, in words where there are any. */
export function useChoices() {
    const translate = useTranslate();
    return (field: string, choice: string) => {
        const own = field.split('.').pop() ?? field;
        return translate(`karana.past.choices.${choice}`, { _: translate(`karana.${own}.${choice}`, { _: choice }) });
    };
}

/** A value of a record as people read it. */
export const FieldValue = ({ field, value, link = true }: { field: Field | undefined; value: unknown; link?: boolean }) => {
    const [translate, locale, choice] = [useTranslate(), useLocale(), useChoices()];
    if (field?.secret) return <>••••••</>;
    if (value === undefined || value === null || value === '') return <>–</>;
    if (field?.reference !== undefined) return <Reference to={field.reference} id={String(value)} link={link} />;
    if (typeof value === 'boolean') return <>{translate(`ra.boolean.${value}`)}</>;
    if (typeof value === 'number') return <>{value.toLocaleString(regional(locale), { maximumFractionDigits: 10 })}</>;
    if (typeof value === 'object') return <code>{JSON.stringify(value)}</code>;
    if (field?.kind === 'time') return <Time at={String(value)} />;
    if (field?.kind === 'date') {
        return <>{new Date(`${String(value)}T12:00:00`).toLocaleDateString(regional(locale), { dateStyle: 'medium' })}</>;
    }
    if (field?.kind === 'choice') return <>{choice(field.source, String(value))}</>;
    return <>{String(value)}</>;
};

/** The field of the record in context. */
export const RecordValue = ({ field, link }: { field: Field; link?: boolean }) => {
    const [record, locale] = [useRecordContext(), useLocale()];
    const value = valueAt(record, field.source);
    const currency = field.currency && valueAt(record, field.currency);
    if (typeof value === 'number' && typeof currency === 'string') return <>{money(value, currency, regional(locale))}</>;
    return <FieldValue field={field} value={value} link={link} />;
};

/** The name of a record; of one that is gone, its key. */
export const Reference = ({ to, id, link = true }: { to: string; id: string; link?: boolean }) => (
    <ReferenceField
        record={{ id, of: id }} source="of" reference={to} resource={to} link={link ? 'show' : false}
        empty={<TextField record={{ id, of: id.slice(0, 8) }} source="of" />}
    >
        <CutName of={to} />
    </ReferenceField>
);
