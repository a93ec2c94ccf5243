import type { Language } from "../text";

export const LANGUAGE_CHOICES = ["system", "en", "zh"] as const;
export const THEMES = ["system", "light", "dark"] as const;

/** "system": as the browser's settings say. */
export type LanguageChoice = (typeof LANGUAGE_CHOICES)[number];
export type Theme = (typeof THEMES)[number];

/** What a person chose about the page itself. It outlives pictures, and undo does not know it. */
export interface Preferences {
  readonly language: LanguageChoice;
  /** The first of the browser's languages that the page speaks. */
  readonly browserLanguage: Language;
  readonly theme: Theme;
}

export const DEFAULT_PREFERENCES: Preferences = { language: "system", browserLanguage: "en", theme: "system" };

export type PreferencesAction =
  | { readonly type: "preferences/language"; readonly language: LanguageChoice }
  | { readonly type: "preferences/browser"; readonly language: Language }
  | { readonly type: "preferences/theme"; readonly theme: Theme };

export function reducePreferences(preferences: Preferences, action: PreferencesAction): Preferences {
  switch (action.type) {
    case "preferences/language":
      return { ...preferences, language: action.language };
    case "preferences/browser":
      return { ...preferences, browserLanguage: action.language };
    case "preferences/theme":
      return { ...preferences, theme: action.theme };
  }
}

/** The language that the page speaks. */
export function languageOf({ language, browserLanguage }: Preferences): Language {
  return language === "system" ? browserLanguage : language;
}
