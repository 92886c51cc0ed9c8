export { KaranaCreate, KaranaEdit } from './KaranaForm';
export { KaranaList } from './KaranaList';
export { KaranaShow } from './KaranaShow';
