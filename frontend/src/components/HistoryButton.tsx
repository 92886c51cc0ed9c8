import HistoryIcon from '@mui/icons-material/History';
import { Button, useRecordContext, useResourceContext } from 'react-admin';
import { Link } from 'react-router-dom';

/** To the past of the record in context. */
export const HistoryButton = () => {
    const [record, resource] = [useRecordContext(), useResourceContext()];
    if (record === undefined) return null;
    return (
        <Button component={Link} to={`/${resource}/${record.id}/history`} label="karana.frame.history">
            <HistoryIcon />
        </Button>
    );
};
