import Box from '@mui/material/Box';
import Card from '@mui/material/Card';
import CardActionArea from '@mui/material/CardActionArea';
import CardContent from '@mui/material/CardContent';
import Typography from '@mui/material/Typography';
import {
    DataTable, ListContextProvider, Pagination, ReferenceField, Title, useGetList, useListController, useTranslate,
} from 'react-admin';
import { Link } from 'react-router-dom';
import { CONNECTIONS, Connection, LIVE, LastSeen } from '../components/states';

const Count = ({ of }: { of: (typeof CONNECTIONS)[number] }) => {
    const { total } = useGetList(
        'karanas',
        { filter: { connection: of }, pagination: { page: 1, perPage: 1 }, sort: { field: 'uuid', order: 'ASC' }, meta: 'fields=uuid' },
        LIVE,
    );
    const filter = encodeURIComponent(JSON.stringify({ connection: of }));
    return (
        <Card sx={{ minWidth: 140, flex: 1 }}>
            <CardActionArea component={Link} to={`/karanas?filter=${filter}`}>
                <CardContent>
                    <Typography variant="h4" component="p" data-count={of}>
                        {total ?? '…'}
                    </Typography>
                    <Connection of={of} />
                </CardContent>
            </CardActionArea>
        </Card>
    );
};

const Offline = () => {
    const translate = useTranslate();
    const list = useListController({
        resource: 'karanas', filter: { connection: 'offline' }, perPage: 10, sort: { field: 'name', order: 'ASC' },
        disableSyncWithLocation: true, storeKey: 'dashboard.offline', queryOptions: LIVE,
    });
    if (list.total === 0) return <Typography>{translate('karana.dashboard.nobody')}</Typography>;
    return (
        <ListContextProvider value={list}>
            <Card>
                <DataTable resource="karanas" bulkActionButtons={false} rowClick="show">
                    <DataTable.Col source="name" />
                    <DataTable.Col source="owner">
                        <ReferenceField source="owner" reference="users" link={false} />
                    </DataTable.Col>
                    <DataTable.Col label="resources.karanas.fields.last_seen">
                        <LastSeen />
                    </DataTable.Col>
                </DataTable>
                <Pagination />
            </Card>
        </ListContextProvider>
    );
};

export const Dashboard = () => {
    const translate = useTranslate();
    return (
        <Box sx={{ my: 2 }}>
            <Title title="ra.page.dashboard" />
            <Typography variant="h6" component="h2" gutterBottom>
                {translate('karana.dashboard.fleet')}
            </Typography>
            <Box sx={{ display: 'flex', flexWrap: 'wrap', gap: 2, mb: 3 }}>
                {CONNECTIONS.map(state => (
                    <Count key={state} of={state} />
                ))}
            </Box>
            <Typography variant="h6" component="h2" gutterBottom>
                {translate('karana.dashboard.offline')}
            </Typography>
            <Offline />
        </Box>
    );
};
