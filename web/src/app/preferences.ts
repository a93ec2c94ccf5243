import type { Language } from "../text";
import type { Clicking } from "./clicking";
import type { Command, CommandId } from "./commands";

export const LANGUAGE_CHOICES = ["system", "en", "zh"] as const;
export const THEMES = ["system", "light", "dark"] as const;

/** "system": as the browser's settings say. */
export type LanguageChoice = (typeof LANGUAGE_CHOICES)[number];
export type Theme = (typeof THEMES)[number];

/** Keys of commands that have others than their defaults. */
export type KeyOverrides = Readonly<Partial<Record<CommandId, readonly string[]>>>;

/** What a person chose about the page itself. It outlives pictures, and undo does not know it. */
export interface Preferences {
  readonly language: LanguageChoice;
  /** The first of the browser's languages that the page speaks. */
  readonly browserLanguage: Language;
  readonly theme: Theme;
  readonly keys: KeyOverrides;
  readonly clicking: Clicking;
  /** Id of the interactive model asked for; null: the server's first. */
  readonly clickModel: string | null;
  /** The interactive model averages with the mirrored picture. */
  readonly flip: boolean;
  /** The tour was ended once, and does not come by itself any more. */
  readonly toured: boolean;
  /** The tour's step that is shown, from 0; null: none is. */
  readonly tour: number | null;
}

export const DEFAULT_PREFERENCES: Preferences = {
  language: "system",
  browserLanguage: "en",
  theme: "system",
  keys: {},
  clicking: "refine",
  clickModel: null,
  flip: false,
  toured: false,
  tour: null,
};

export type PreferencesAction =
  | { readonly type: "preferences/language"; readonly language: LanguageChoice }
  | { readonly type: "preferences/browser"; readonly language: Language }
  | { readonly type: "preferences/theme"; readonly theme: Theme }
  | { readonly type: "preferences/clicking"; readonly clicking: Clicking }
  | { readonly type: "preferences/click-model"; readonly id: string }
  | { readonly type: "preferences/flip"; readonly flip: boolean }
  | { readonly type: "preferences/keys"; readonly keys: KeyOverrides }
  /** null ends it for good. */
  | { readonly type: "preferences/tour"; readonly step: number | null };

export function reducePreferences(preferences: Preferences, action: PreferencesAction): Preferences {
  switch (action.type) {
    case "preferences/language":
      return { ...preferences, language: action.language };
    case "preferences/browser":
      return { ...preferences, browserLanguage: action.language };
    case "preferences/theme":
      return { ...preferences, theme: action.theme };
    case "preferences/clicking":
      return { ...preferences, clicking: action.clicking };
    case "preferences/click-model":
      return { ...preferences, clickModel: action.id };
    case "preferences/flip":
      return { ...preferences, flip: action.flip };
    case "preferences/keys":
      return { ...preferences, keys: action.keys };
    case "preferences/tour":
      return { ...preferences, tour: action.step, toured: preferences.toured || action.step === null };
  }
}

/** The language that the page speaks. */
export function languageOf({ language, browserLanguage }: Preferences): Language {
  return language === "system" ? browserLanguage : language;
}

/** The keys that run a command. */
export function keysOf({ id, keys }: Pick<Command, "id" | "keys">, overrides: KeyOverrides): readonly string[] {
  return overrides[id] ?? keys;
}
