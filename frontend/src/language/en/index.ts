import account from './account';
import english from './admin';
import common from './common';
import fleet from './fleet';
import operations from './operations';
import past from './past';
import resources from './resources';

export default { ...english, karana: { ...common, account, fleet, operations, past }, resources };
