import MoveIcon from '@mui/icons-material/DriveFileMove';
import KeyIcon from '@mui/icons-material/VpnKey';
import Alert from '@mui/material/Alert';
import MuiButton from '@mui/material/Button';
import Dialog from '@mui/material/Dialog';
import DialogActions from '@mui/material/DialogActions';
import DialogContent from '@mui/material/DialogContent';
import DialogTitle from '@mui/material/DialogTitle';
import Typography from '@mui/material/Typography';
import { useId, useState } from 'react';
import { Button, Form, FormDataConsumer, RadioButtonGroupInput, SaveButton, useRecordContext, useRefresh, useTranslate } from 'react-admin';
import { client, useStanding } from '../../api';
import { translated } from '../../dataProvider';
import { type Way, hindrance, meaning } from './handover';
import type { Karana } from './karana';
import { OwnerInput } from './owner';

/** To another owner, with a new password; or only that. */
type Deed = 'move' | 'rotate';

const ICONS = { move: MoveIcon, rotate: KeyIcon };

export const HandoverButton = ({ deed }: { deed: Deed }) => {
    const karana = useRecordContext<Karana>();
    const [isOpen, setOpen] = useState(false);
    const Icon = ICONS[deed];
    if (karana === undefined) return null;
    return (
        <>
            <Button label={`karana.fleet.${deed}.action`} onClick={() => setOpen(true)}>
                <Icon />
            </Button>
            {isOpen && <HandoverDialog deed={deed} karana={karana} onClose={() => setOpen(false)} />}
        </>
    );
};

interface Choice {
    owner?: string | null;
    way?: Way;
}

/** Makes the change, and answers with the server's notice of what it means for the device. */
async function change(deed: Deed, { id, owner, _etag }: Karana, choice: Choice): Promise<string | null> {
    const isMove = deed === 'move';
    const staysOut = owner === null || (isMove && !choice.owner);
    const query = choice.way === 'remote' && !staysOut ? '?handover=remote' : '';
    const answer = await client.open(`/v2/karanas/${id}${isMove ? '' : '/rotate'}${query}`, {
        method: isMove ? 'PATCH' : 'POST',
        headers: { 'If-Match': _etag ?? '*', ...(isMove ? { 'Content-Type': 'application/json' } : {}) },
        body: isMove ? JSON.stringify({ owner: choice.owner || null }) : undefined,
    });
    return answer.headers.get('karana-notice');
}

const HandoverDialog = ({ deed, karana, onClose }: { deed: Deed; karana: Karana; onClose: () => void }) => {
    const [translate, refresh, title] = [useTranslate(), useRefresh(), useId()];
    const [refusal, setRefusal] = useState<string>();
    const [notice, setNotice] = useState<string | null>();

    const submit = async (choice: Choice) => {
        setRefusal(undefined);
        try {
            setNotice(await change(deed, karana, choice));
            refresh();
        } catch (error) {
            setRefusal((translated(error) as Error).message);
        }
    };

    return (
        <Dialog open onClose={onClose} aria-labelledby={title} fullWidth>
            <DialogTitle id={title}>{translate(`karana.fleet.${deed}.title`, { name: karana.name })}</DialogTitle>
            {notice === undefined ? (
                <Form onSubmit={(choice: Choice) => submit(choice)} record={{}} defaultValues={{ owner: karana.owner }}>
                    <DialogContent>
                        {deed === 'move' && <OwnerInput />}
                        <FormDataConsumer<Choice>>
                            {({ formData }) => (
                                <Ways deed={deed} karana={karana} intoStock={deed === 'move' && !formData.owner} />
                            )}
                        </FormDataConsumer>
                        {refusal !== undefined && <Alert severity="error">{translate(refusal, { _: refusal })}</Alert>}
                    </DialogContent>
                    <DialogActions>
                        <MuiButton onClick={onClose}>{translate('ra.action.cancel')}</MuiButton>
                        <SaveButton alwaysEnable={deed === 'rotate'} label={`karana.fleet.${deed}.action`} icon={<></>} />
                    </DialogActions>
                </Form>
            ) : (
                <>
                    <DialogContent>
                        <Notice text={notice} />
                    </DialogContent>
                    <DialogActions>
                        <MuiButton onClick={onClose} autoFocus>
                            {translate('ra.action.close')}
                        </MuiButton>
                    </DialogActions>
                </>
            )}
        </Dialog>
    );
};

/** How the device comes to it, where there is a choice; and what each means. */
const Ways = ({ deed, karana, intoStock }: { deed: Deed; karana: Karana; intoStock: boolean }) => {
    const [translate, standing] = [useTranslate(), useStanding()];
    const hindered = hindrance(karana, standing?.influxdb != null);
    if (hindered === 'stock' || intoStock) {
        const text = karana.owner === null ? `karana.fleet.handover.from_stock_${deed}` : 'karana.fleet.handover.into_stock';
        return <Typography variant="body2">{translate(text)}</Typography>;
    }
    return (
        <>
            <RadioButtonGroupInput
                source="way" row={false} label="karana.fleet.handover.how" defaultValue={hindered === undefined ? 'remote' : 'by_hand'}
                choices={[
                    { id: 'remote', name: 'karana.fleet.handover.remote', disabled: hindered !== undefined },
                    { id: 'by_hand', name: 'karana.fleet.handover.by_hand' },
                ]}
                disableValue="disabled" helperText={false}
            />
            {hindered !== undefined && <Alert severity="info">{translate(`karana.fleet.handover.not_remote.${hindered}`)}</Alert>}
            <FormDataConsumer<Choice>>
                {({ formData }) => (
                    <Typography variant="body2" sx={{ mt: 1 }}>
                        {translate(`karana.fleet.handover.${formData.way === 'remote' ? 'remote' : 'by_hand'}_help`)}
                        {deed === 'move' && ` ${translate('karana.fleet.move.data_stays')}`}
                    </Typography>
                )}
            </FormDataConsumer>
        </>
    );
};

const Notice = ({ text }: { text: string | null }) => {
    const translate = useTranslate();
    const known = meaning(text);
    const mustAct = known === undefined || known.startsWith('flash');
    return (
        <Alert severity={mustAct ? 'warning' : 'success'}>
            {known === undefined ? text : translate(`karana.fleet.handover.notice.${known}`)}
        </Alert>
    );
};
