export const SyncPage = () => null;
