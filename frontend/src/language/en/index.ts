import account from './account';
import english from './admin';
import fleet from './fleet';
import frame from './frame';
import operations from './operations';
import past from './past';
import resources from './resources';
import terms from './terms';

export default { ...english, karana: { ...terms, account, fleet, frame, operations, past }, resources };
