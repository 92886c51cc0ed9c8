// Names may be as long as the server takes them, without a space: nothing gets wider than the window by them. Those of tables
// are cut off, see components/Cut.tsx.
const WRAPPED = { overflowWrap: 'anywhere' };
const wrapped = { styleOverrides: { root: WRAPPED } };

export const long = {
    MuiCssBaseline: { styleOverrides: { body: { overflowWrap: 'break-word' } } },
    MuiDialogTitle: wrapped,
    MuiDialogContent: wrapped,
    MuiListItemText: { styleOverrides: { root: { ...WRAPPED, minWidth: 0 } } },
    MuiAlert: { styleOverrides: { message: { ...WRAPPED, minWidth: 0 } } },
    MuiSnackbarContent: { styleOverrides: { message: { ...WRAPPED, minWidth: 0 } } },
    MuiAutocomplete: { styleOverrides: { option: WRAPPED } },
    RaSimpleShowLayout: wrapped,
    RaList: { styleOverrides: { root: { minWidth: 0, '& .RaList-main, & .RaList-content': { minWidth: 0 } } } },
    RaDataTable: { styleOverrides: { root: { '& .RaDataTable-tableWrapper': { overflowX: 'auto' } } } },
    RaUserMenu: {
        styleOverrides: {
            root: {
                '& .RaUserMenu-userButton': {
                    display: 'block', maxWidth: '14rem', overflow: 'hidden', textOverflow: 'ellipsis', whiteSpace: 'nowrap',
                    '& .MuiButton-startIcon': { display: 'inline-flex', verticalAlign: 'middle' },
                },
            },
        },
    },
};
