export const mending = {} as const;
