import account from './account';
import french from './admin';
import fleet from './fleet';
import frame from './frame';
import operations from './operations';
import past from './past';
import resources from './resources';
import server from './server';
import terms from './terms';

export default { ...french, karana: { ...terms, account, fleet, frame, operations, past }, server, resources };
