export const TenantHistory = () => null;
export const RecordHistory = () => null;
