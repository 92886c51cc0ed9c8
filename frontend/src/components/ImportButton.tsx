import UploadIcon from '@mui/icons-material/Upload';
import { Button, useResourceContext } from 'react-admin';
import { Link } from 'react-router-dom';
import { abilities } from '../authProvider';
import { useStanding } from '../api';

/** The way to the import of a list's resource, for those who may make its records. */
export const ImportButton = () => {
    const [resource, standing] = [useResourceContext(), useStanding()];
    if (resource === undefined || !abilities(standing, resource)?.create) return null;
    return (
        <Button component={Link} to={`/${resource}/import`} label="karana.operations.import.action">
            <UploadIcon />
        </Button>
    );
};
