import DownloadIcon from '@mui/icons-material/Download';
import Menu from '@mui/material/Menu';
import MenuItem from '@mui/material/MenuItem';
import { useState } from 'react';
import { Button, useListContext, useNotify, useTranslate } from 'react-admin';
import { client, useStanding } from '../api';
import { filterQuery, sortQuery } from '../dataProvider';
import { csv, save } from './download';

/** What a table has without the secrets: all there is, where nothing is said. */
const OPEN: Record<string, string> = {
    karanas: 'uuid,name,owner,kid,state,note,config.series,config.signal,config.post_int,config.get_int,created_at',
    users: 'uuid,name,email,role,state,created_at',
};

/**
 * The list with its filters and in its order, as a table for spreadsheets. Passwords are in it only when they are asked for.
 * `open`: what there is beside secrets, of resources that the page knows by their schemas alone.
 */
export const ExportButton = ({ open }: { open?: string }) => {
    const { resource, filterValues, sort, total } = useListContext();
    const [translate, notify, standing] = [useTranslate(), useNotify(), useStanding()];
    const [anchor, setAnchor] = useState<HTMLElement | null>(null);
    const [isBusy, setBusy] = useState(false);
    const withoutSecrets = open ?? OPEN[resource];
    const hasChoice = withoutSecrets !== undefined && standing?.me.role !== 'viewer';

    const download = async (fields?: string) => {
        setAnchor(null);
        // It is no field, and the server makes no table by it.
        const { connection, ...filter } = filterValues as { connection?: string };
        if (connection) {
            notify('karana.operations.export.connection', { type: 'warning' });
            return;
        }
        setBusy(true);
        try {
            const query = [filterQuery(filter), sortQuery({ sort }), fields && `fields=${fields}`].filter(Boolean).join('&');
            const answer = await client.open(`/v2/${resource}/export.csv?${query}`);
            save(csv(await answer.text()), `${resource}.csv`);
        } catch (error) {
            notify((error as Error).message, { type: 'error' });
        } finally {
            setBusy(false);
        }
    };

    return (
        <>
            <Button
                label="ra.action.export" disabled={isBusy || total === 0}
                aria-haspopup={hasChoice ? 'menu' : undefined}
                onClick={event => (hasChoice ? setAnchor(event.currentTarget) : void download(withoutSecrets))}
            >
                <DownloadIcon />
            </Button>
            <Menu anchorEl={anchor} open={anchor !== null} onClose={() => setAnchor(null)}>
                <MenuItem onClick={() => void download(withoutSecrets)}>{translate('karana.operations.export.open')}</MenuItem>
                <MenuItem onClick={() => void download()}>{translate('karana.operations.export.secret')}</MenuItem>
            </Menu>
        </>
    );
};
