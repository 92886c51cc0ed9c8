export const AccountPage = () => null;
export const PasswordPage = () => null;
export const KeyList = () => null;
export const KeyCreate = () => null;
