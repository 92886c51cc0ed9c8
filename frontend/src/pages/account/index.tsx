export { AccountPage } from './AccountPage';
export { KeyCreate } from './KeyCreate';
export { KeyList } from './KeyList';
export { PasswordPage } from './PasswordPage';
