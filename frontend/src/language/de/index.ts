import german from './admin';
import account from './account';
import common from './common';
import fleet from './fleet';
import operations from './operations';
import past from './past';
import resources from './resources';

export default { ...german, karana: { ...common, account, fleet, operations, past }, resources };
