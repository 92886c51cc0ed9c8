import Alert from '@mui/material/Alert';
import Button from '@mui/material/Button';
import Stack from '@mui/material/Stack';
import { type ReactNode, useState } from 'react';
import { Form, PasswordInput, TextInput, required, useTranslate } from 'react-admin';
import { useRefusalInWords } from './refusal';

interface Props {
    /** Who, when that is known. */
    user?: string;
    signIn: (user: string, password: string) => Promise<void>;
    /** Beside the button. */
    children?: ReactNode;
}

/** Name and password, and why they are refused. */
export const SignInForm = ({ user, signIn, children }: Props) => {
    const [translate, inWords] = [useTranslate(), useRefusalInWords()];
    const [refusal, setRefusal] = useState<string | null>(null);
    const [busy, setBusy] = useState(false);
    const submit = async ({ user, password }: { user?: string; password?: string }) => {
        setRefusal(null);
        setBusy(true);
        await signIn(user ?? '', password ?? '').catch((error: unknown) => setRefusal(inWords(error)));
        setBusy(false);
    };
    return (
        <Form defaultValues={{ user: user ?? '', password: '' }} onSubmit={submit} noValidate>
            <Stack sx={{ gap: 1 }}>
                {refusal !== null && <Alert severity="error">{refusal}</Alert>}
                <TextInput
                    source="user" label="ra.auth.username" type="email" autoComplete="username" autoFocus={user === undefined}
                    validate={required()} helperText={false} slotProps={{ htmlInput: { autoCapitalize: 'none', spellCheck: false } }}
                />
                <PasswordInput
                    source="password" label="ra.auth.password" autoComplete="current-password" autoFocus={user !== undefined}
                    validate={required()} helperText={false}
                />
                <Stack direction="row" sx={{ gap: 1, mt: 1 }}>
                    <Button type="submit" variant="contained" fullWidth disabled={busy}>
                        {translate('ra.auth.sign_in')}
                    </Button>
                    {children}
                </Stack>
            </Stack>
        </Form>
    );
};
