// What MUI and react-admin leave out for those who do not see, or hit, so well.
import type { CheckboxProps } from '@mui/material/Checkbox';

export const accessible = {
    MuiCheckbox: {
        defaultProps: {
            // react-admin names the box around the input, which is nothing that can have a name.
            slotProps: {
                root: { 'aria-label': undefined },
                input: (checkbox: CheckboxProps) => ({ 'aria-label': checkbox['aria-label'] }),
            },
        },
    },
    RaAccessDenied: { styleOverrides: { root: { '& .RaAccessDenied-message': { opacity: 1 } } } },
    RaNotFound: { styleOverrides: { root: { '& .RaNotFound-message': { opacity: 1 } } } },
    MuiTableSortLabel: { styleOverrides: { root: { minHeight: 24 } } },
};
