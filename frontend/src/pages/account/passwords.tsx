import { PasswordInput, maxLength, minLength, required, useTranslate } from 'react-admin';
import type { Finding } from '../../client';
import { asError } from '../../findings';

// As the server has it, which says so as well.
const [SHORTEST, LONGEST] = [5, 128];
const RULES = [required(), minLength(SHORTEST), maxLength(LONGEST)];

export interface NewPassword {
    password?: string;
    again?: string;
}

const same = (again: string, { password }: NewPassword) => (again === password ? undefined : 'karana.account.password.differs');
const TWICE = [required(), same];

/** A new password, twice. */
export const NewPasswordInputs = () => {
    const translate = useTranslate();
    return (
        <>
            <PasswordInput
                source="password" label="karana.account.password.next" autoComplete="new-password" validate={RULES}
                helperText={translate('karana.account.password.at_least', { min: SHORTEST })}
            />
            <PasswordInput
                source="again" label="karana.account.password.again" autoComplete="new-password" validate={TWICE} helperText={false}
            />
        </>
    );
};

/** What the server finds wrong with a password, at its input. */
export const atPassword = (findings: readonly Finding[]) => {
    const found = findings.find(({ field }) => field === 'password' || field === 'credentials.password');
    return found === undefined ? undefined : { password: asError(found) };
};
