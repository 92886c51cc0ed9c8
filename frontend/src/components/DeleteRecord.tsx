import DeleteIcon from '@mui/icons-material/Delete';
import Alert from '@mui/material/Alert';
import MuiButton from '@mui/material/Button';
import Dialog from '@mui/material/Dialog';
import DialogActions from '@mui/material/DialogActions';
import DialogContent from '@mui/material/DialogContent';
import DialogTitle from '@mui/material/DialogTitle';
import FormControl from '@mui/material/FormControl';
import FormControlLabel from '@mui/material/FormControlLabel';
import FormLabel from '@mui/material/FormLabel';
import Radio from '@mui/material/Radio';
import RadioGroup from '@mui/material/RadioGroup';
import { useId, useState } from 'react';
import {
    Button, type RaRecord, useCanAccess, useDelete, useGetRecordRepresentation, useNotify, useRecordContext, useRedirect,
    useResourceContext, useTranslate,
} from 'react-admin';
import { type Dependents, type Way, dependentsOf } from './dependents';
import { useGiveUp } from './unsaved';

/** Deletes the record in context. What hangs on it is told, and whoever deletes it says what becomes of that. */
export const DeleteRecord = ({ onDeleted }: { onDeleted?: () => void }) => {
    const [record, resource] = [useRecordContext(), useResourceContext() ?? ''];
    const { canAccess } = useCanAccess({ resource, action: 'delete', record });
    const [isOpen, setOpen] = useState(false);
    if (record === undefined || !canAccess) return null;
    return (
        <>
            <Button label="ra.action.delete" color="error" onClick={() => setOpen(true)}>
                <DeleteIcon />
            </Button>
            {isOpen && <DeleteDialog record={record} resource={resource} onClose={() => setOpen(false)} onDeleted={onDeleted} />}
        </>
    );
};

interface DialogProps {
    record: RaRecord;
    resource: string;
    onClose: () => void;
    onDeleted?: () => void;
}

const DeleteDialog = ({ record, resource, onClose, onDeleted }: DialogProps) => {
    const [translate, notify, redirect, title] = [useTranslate(), useNotify(), useRedirect(), useId()];
    const name = useGetRecordRepresentation(resource)(record);
    const [remove, { isPending }] = useDelete();
    const giveUp = useGiveUp();
    const [dependents, setDependents] = useState<Dependents>();
    const [way, setWay] = useState<Way>();
    const [refusal, setRefusal] = useState<string>();

    const confirm = () => {
        setRefusal(undefined);
        void remove(
            resource,
            { id: record.id, previousData: record, meta: way && { dependents: way } },
            {
                mutationMode: 'pessimistic',
                onSuccess: () => {
                    // As react-admin's own buttons say it: an answer to it is Undo, see Notification.tsx.
                    const words = translate('ra.notification.deleted', { smart_count: 1 });
                    notify(`resources.${resource}.notifications.deleted`, {
                        type: 'info', messageArgs: { smart_count: 1, _: words },
                    });
                    onClose();
                    // What was written in it is gone with it.
                    giveUp();
                    if (onDeleted === undefined) redirect('list', resource);
                    else onDeleted();
                },
                onError: error => {
                    const found = dependentsOf(error);
                    if (found === undefined) setRefusal((error as Error).message);
                    setDependents(found);
                    // The first answer is no refusal; one to a way that was chosen leaves the others.
                    setWay(undefined);
                },
            },
        );
    };

    return (
        <Dialog open onClose={onClose} aria-labelledby={title}>
            <DialogTitle id={title}>
                {translate('ra.message.delete_title', {
                    name: translate(`resources.${resource}.name`, { smart_count: 1, _: resource }), recordRepresentation: name,
                })}
            </DialogTitle>
            <DialogContent>
                {dependents === undefined && refusal === undefined && translate('ra.message.are_you_sure')}
                {dependents !== undefined && <Choice dependents={dependents} way={way} onChoose={setWay} />}
                {refusal !== undefined && <Alert severity="error">{translate(refusal, { _: refusal })}</Alert>}
            </DialogContent>
            <DialogActions>
                <MuiButton onClick={onClose}>{translate('ra.action.cancel')}</MuiButton>
                <MuiButton
                    color="error" autoFocus onClick={confirm}
                    disabled={isPending || (dependents !== undefined && way === undefined)}
                >
                    {translate('ra.action.delete')}
                </MuiButton>
            </DialogActions>
        </Dialog>
    );
};

const Choice = ({ dependents, way, onChoose }: { dependents: Dependents; way?: Way; onChoose: (way: Way) => void }) => {
    const [translate, label] = [useTranslate(), useId()];
    const counted = dependents.counts.map(({ resource, count }) =>
        translate('karana.fleet.dependents.count', {
            smart_count: count, name: translate(`resources.${resource}.name`, { smart_count: count, _: resource }),
        }),
    );
    return (
        <FormControl>
            <FormLabel id={label}>{translate('karana.fleet.dependents.refer', { counted: counted.join(', ') })}</FormLabel>
            <RadioGroup aria-labelledby={label} value={way ?? ''} onChange={(_, chosen) => onChoose(chosen as Way)}>
                {dependents.ways.map(one => (
                    <FormControlLabel key={one} value={one} control={<Radio />} label={translate(`karana.fleet.dependents.${one}`)} />
                ))}
            </RadioGroup>
        </FormControl>
    );
};
