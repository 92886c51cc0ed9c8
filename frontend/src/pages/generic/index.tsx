// Pages of a resource that the server describes and this page knows nothing else of.
export { GenericCreate, GenericEdit } from './forms';
export { GenericList } from './GenericList';
export { GenericShow } from './GenericShow';
