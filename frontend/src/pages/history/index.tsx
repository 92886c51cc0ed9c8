export { RecordHistory } from './RecordHistory';
export { TenantHistory } from './TenantHistory';
