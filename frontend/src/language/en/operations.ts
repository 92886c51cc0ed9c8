export default {
    broken: 'The connection broke before the end. What was done until then stays: look at the list before you start it again.',
    export: {
        connection: 'The live connection is no column of a table: take this filter out first.',
        open: 'Without passwords', secret: 'With all passwords',
    },
    import: { action: 'Import' },
};
