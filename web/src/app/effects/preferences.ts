import { languageFor, locale, setLanguage } from "../../text";
import { CLICKINGS } from "../clicking";
import { parseOverrides } from "../keys";
import type { Preferences } from "../preferences";
import { DEFAULT_PREFERENCES, LANGUAGE_CHOICES, languageOf, THEMES } from "../preferences";
import type { Store } from "../store";

const LANGUAGE_KEY = "segserve.language";
/** public/theme.js reads it too. */
const THEME_KEY = "segserve.theme";
const KEYS_KEY = "segserve.keys";
const CLICKING_KEY = "segserve.clicking";
const CLICK_MODEL_KEY = "segserve.click_model";
const FLIP_KEY = "segserve.flip";
const ON = "on";
const TOUR_KEY = "segserve.tour";
const DONE = "done";
const TOUR_PARAMETER = "tour";

/** As chosen at an earlier visit; what is stored but makes no sense counts for nothing. */
export function readPreferences(): Preferences {
  return {
    ...DEFAULT_PREFERENCES,
    language: LANGUAGE_CHOICES.find((choice) => choice === stored(LANGUAGE_KEY)) ?? "system",
    browserLanguage: languageFor(navigator.languages),
    theme: THEMES.find((theme) => theme === stored(THEME_KEY)) ?? "system",
    clicking: CLICKINGS.find((choice) => choice === stored(CLICKING_KEY)) ?? DEFAULT_PREFERENCES.clicking,
    clickModel: stored(CLICK_MODEL_KEY),
    flip: stored(FLIP_KEY) === ON,
    keys: parseOverrides(stored(KEYS_KEY)),
    ...tourAtStart(),
  };
}

/** The tour comes by itself at the first visit; to automated browsers only where the address asks for it. */
function tourAtStart(): Pick<Preferences, "tour" | "toured"> {
  const asked = new URLSearchParams(location.search).has(TOUR_PARAMETER);
  const toured = stored(TOUR_KEY) === DONE;
  return { toured, tour: asked || !(toured || navigator.webdriver) ? 0 : null };
}

/** Makes the page follow the preferences, and keeps them. Called before the page is rendered, whose texts they decide. */
export function startPreferences(store: Store): void {
  follow(store.get().preferences);
  store.listen(({ preferences }, before) => {
    if (preferences === before.preferences) return;
    follow(preferences);
    keep(preferences);
  });
  window.addEventListener("languagechange", () =>
    store.dispatch({ type: "preferences/browser", language: languageFor(navigator.languages) }),
  );
}

function follow(preferences: Preferences): void {
  setLanguage(languageOf(preferences));
  const root = document.documentElement;
  root.lang = locale();
  if (preferences.theme === "system") delete root.dataset.theme;
  else root.dataset.theme = preferences.theme;
}

function keep({ language, theme, keys, clicking, clickModel, flip, toured }: Preferences): void {
  keepOne(LANGUAGE_KEY, language === "system" ? null : language);
  keepOne(THEME_KEY, theme === "system" ? null : theme);
  keepOne(CLICKING_KEY, clicking === DEFAULT_PREFERENCES.clicking ? null : clicking);
  keepOne(CLICK_MODEL_KEY, clickModel);
  keepOne(FLIP_KEY, flip ? ON : null);
  keepOne(KEYS_KEY, Object.keys(keys).length === 0 ? null : JSON.stringify(keys));
  keepOne(TOUR_KEY, toured ? DONE : null);
}

function stored(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null; // a browser that keeps nothing
  }
}

function keepOne(key: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(key);
    else localStorage.setItem(key, value);
  } catch {
    // A browser that keeps nothing, or has no room left: the choice holds for this visit.
  }
}
