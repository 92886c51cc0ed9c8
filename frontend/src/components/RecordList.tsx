import Button from '@mui/material/Button';
import { type ReactNode, useEffect } from 'react';
import {
    HttpError, List, type ListProps, Pagination, useListContext, useRemoveFromStore, useResourceContext, useTranslate,
} from 'react-admin';
import { useNavigate } from 'react-router-dom';
import { Refused } from './Refused';

/** What the server refuses is nothing that it does not have, nor one that it does not have now. */
const useRefusal = () => {
    const { error } = useListContext();
    return error instanceof HttpError && error.status >= 400 && error.status < 500 ? error : undefined;
};

/** The records of a resource, a page of them, or that the server refuses to list them. */
export const RecordList = ({ children, ...props }: ListProps) => (
    <List perPage={25} pagination={<Pages />} exporter={false} {...props}>
        <Answered>{children}</Answered>
    </List>
);

const Answered = ({ children }: { children: ReactNode }) => {
    const refusal = useRefusal();
    return refusal === undefined ? children : <RefusedList refusal={refusal} />;
};

const RefusedList = ({ refusal }: { refusal: HttpError }) => {
    const [translate, resource, forget, navigate] = [useTranslate(), useResourceContext(), useRemoveFromStore(), useNavigate()];
    const isAsked = refusal.status === 400;
    // A filter or an order that is no use is not there the next time.
    useEffect(() => {
        if (isAsked) forget(`${resource}.listParams`);
    }, [isAsked, forget, resource]);
    const clear = () => {
        forget(`${resource}.listParams`);
        navigate({ pathname: `/${resource}`, search: '?filter=%7B%7D' });
    };
    return (
        <>
            <Refused error={refusal} />
            {isAsked && <Button onClick={clear} sx={{ m: 1 }}>{translate('ra.navigation.clear_filters')}</Button>}
        </>
    );
};

/** Below a list; of one that was refused there are none. */
const Pages = () => {
    const [translate, refusal] = [useTranslate(), useRefusal()];
    if (refusal !== undefined) return null;
    // On a phone react-admin leaves these to MUI, which knows English alone.
    const labels = { getItemAriaLabel: (type: string) => translate(`ra.navigation.${type}`) };
    return <Pagination {...(labels as object)} />;
};
