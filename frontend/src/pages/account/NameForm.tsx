import { useQueryClient } from '@tanstack/react-query';
import { Form, SaveButton, TextInput, maxLength, useDataProvider, useNotify } from 'react-admin';
import { useUnsaved } from '../../components/unsaved';
import type { Me } from '../../authProvider';

export const NameForm = ({ me }: { me: Me }) => {
    const [notify, queries, data] = [useNotify(), useQueryClient(), useDataProvider()];
    const save = async ({ name }: { name?: string | null }) => {
        try {
            const before = { id: me.uuid, name: me.name };
            await data.update('users', { id: me.uuid, data: { ...before, name: name ?? '' }, previousData: before });
        } catch (error) {
            const { message, body } = error as { message: string; body?: { errors?: object } };
            notify(message, { type: 'error' });
            return body?.errors;
        }
        notify('karana.account.name_saved', { type: 'success' });
        // Both are of one answer; the second would come from before.
        await queries.invalidateQueries({ queryKey: ['auth', 'getPermissions'] });
        await queries.invalidateQueries({ queryKey: ['auth', 'getIdentity'] });
    };
    return (
        <Form record={{ id: me.uuid, name: me.name }} onSubmit={save} {...useUnsaved()}>
            <TextInput source="name" label="resources.users.fields.name" autoComplete="name" validate={maxLength(256)} />
            <SaveButton alwaysEnable={false} />
        </Form>
    );
};
