/** The same keys with other words: one missing or too many is an error of the compiler. */
export type Translated<English> = { readonly [Key in keyof English]: string };
