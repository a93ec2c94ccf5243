import { en } from "./en";

export type TextKey = keyof typeof en;
export type Dictionary = Readonly<Record<TextKey, string>>;
export type Values = Readonly<Record<string, string | number>>;

const dictionary: Dictionary = en;

export function t(key: TextKey, values: Values = {}): string {
  return dictionary[key].replace(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? ""));
}

export function hasText(key: string): key is TextKey {
  return key in dictionary;
}
