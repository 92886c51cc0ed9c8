import account from './account';
import german from './admin';
import common from './common';
import fleet from './fleet';
import operations from './operations';
import past from './past';
import resources from './resources';
import server from './server';

// Within a sentence react-admin writes names small, which German does not.
const asWritten = Object.entries(resources).map(([resource, words]) => [resource, { ...words, forcedCaseName: words.name }]);

export default {
    ...german, karana: { ...common, account, fleet, operations, past }, server, resources: Object.fromEntries(asWritten) as typeof resources,
};
