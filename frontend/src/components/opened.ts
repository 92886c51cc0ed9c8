/** How an open form reads its record: once. Neither its fields nor the version that it is saved over move under its hands. */
export const OPENED = { meta: { form: true }, gcTime: 0, staleTime: 'static' } as const;
