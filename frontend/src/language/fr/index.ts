import account from './account';
import french from './admin';
import common from './common';
import fleet from './fleet';
import operations from './operations';
import past from './past';
import resources from './resources';
import server from './server';

export default { ...french, karana: { ...common, account, fleet, operations, past }, server, resources };
