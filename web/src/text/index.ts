import { en } from "./en";
import { zh } from "./zh";

export type TextKey = keyof typeof en;
export type Dictionary = Readonly<Record<TextKey, string>>;
export type Values = Readonly<Record<string, string | number>>;

export const LANGUAGES = ["en", "zh"] as const;
export type Language = (typeof LANGUAGES)[number];

const DICTIONARIES: Readonly<Record<Language, Dictionary>> = { en, zh };
/** What `<html lang>` and Intl are told. */
const LOCALES: Readonly<Record<Language, string>> = { en: "en", zh: "zh-CN" };

let language: Language = "en";

/** From here on `t` and the numbers speak it; what is on the screen must be rendered anew. */
export function setLanguage(next: Language): void {
  language = next;
}

export function locale(): string {
  return LOCALES[language];
}

export function t(key: TextKey, values: Values = {}): string {
  return DICTIONARIES[language][key].replace(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? ""));
}

export function hasText(key: string): key is TextKey {
  return key in en;
}

/** The first of a person's languages, as BCP 47 tags, that the page speaks: English, or Chinese in simplified script. */
export function languageFor(tags: readonly string[]): Language {
  for (const tag of tags) {
    const known = languageOf(tag);
    if (known !== null) return known;
  }
  return "en";
}

function languageOf(tag: string): Language | null {
  try {
    const { language: name, script } = new Intl.Locale(tag).maximize();
    if (name === "zh") return script === "Hans" ? "zh" : null;
    return name === "en" ? "en" : null;
  } catch {
    return null; // no tag at all
  }
}
