import account from './account';
import german from './admin';
import fleet from './fleet';
import frame from './frame';
import operations from './operations';
import past from './past';
import resources from './resources';
import server from './server';
import terms from './terms';

// Within a sentence react-admin writes names small, which German does not.
const asWritten = Object.entries(resources).map(([resource, words]) => [resource, { ...words, forcedCaseName: words.name }]);

export default {
    ...german, karana: { ...terms, account, fleet, frame, operations, past }, server, resources: Object.fromEntries(asWritten) as typeof resources,
};
