import { languageFor, setLanguage, t } from "../../../web/src/text";
import type { TextKey, Values } from "../../../web/src/text";

/** The browser's language in every test that does not choose one: `E2E_LOCALE=zh-CN npx playwright test`. */
export const LOCALE = process.env["E2E_LOCALE"] ?? "en-US";

export const LANGUAGE = languageFor([LOCALE]);
setLanguage(LANGUAGE);

/** What the page says in that language, from its own dictionary. */
export const words: (key: TextKey, values?: Values) => string = t;

const ANY = "\u{f8ff}"; // for private use: in no dictionary

/** The same as a pattern, with anything in the place of values that are not named. */
export function wording(key: TextKey, values: Values = {}): RegExp {
  const open = new Proxy(values, { get: (named, name: string) => named[name] ?? ANY });
  return new RegExp(
    t(key, open)
      .replace(/[.*+?^${}()|[\]\\]/g, "\\$&")
      .replaceAll(ANY, ".+"),
  );
}
