import Button from '@mui/material/Button';
import Stack from '@mui/material/Stack';
import Typography from '@mui/material/Typography';
import { Title, useTranslate } from 'react-admin';
import { Link } from 'react-router-dom';
import { useStanding } from '../../api';
import { Part } from '../../components/Part';
import { ChangePassword } from './ChangePassword';
import { NameForm } from './NameForm';
import { Preferences } from './Preferences';
import { Sessions } from './Sessions';

/** Who one is here, and by what one is let in. */
export const AccountPage = () => {
    const [translate, me] = [useTranslate(), useStanding()?.me];
    if (me === undefined) return null;
    return (
        <Stack sx={{ gap: 2, my: 2, maxWidth: 720 }}>
            <Title title="karana.account.title" />
            <Part title="karana.account.me">
                <Typography sx={{ overflowWrap: 'anywhere' }}>{me.email}</Typography>
                <Typography color="textSecondary" gutterBottom>
                    {translate('karana.account.role', { role: translate(`karana.role.${me.role}`) })}
                </Typography>
                <NameForm me={me} />
            </Part>
            <Part title="karana.account.password.title">
                <ChangePassword me={me} />
            </Part>
            <Part title="karana.account.sessions.title">
                <Sessions />
            </Part>
            <Part title="karana.account.keys.manage">
                <Typography gutterBottom>{translate('karana.account.keys.help')}</Typography>
                <Button component={Link} to="/keys" variant="outlined">{translate('karana.account.keys.manage')}</Button>
            </Part>
            <Part title="karana.account.browser">
                <Preferences />
            </Part>
        </Stack>
    );
};
