export { UserCreate, UserEdit } from './UserForm';
export { UserList } from './UserList';
export { UserShow } from './UserShow';
