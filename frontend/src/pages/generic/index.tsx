export const GenericList = () => null;
export const GenericShow = () => null;
export const GenericEdit = () => null;
export const GenericCreate = () => null;
