import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { readPreferences, startPreferences } from "../src/app/effects/preferences";
import { DEFAULT_PREFERENCES, languageOf } from "../src/app/preferences";
import { INITIAL_STATE } from "../src/app/state";
import type { Store } from "../src/app/store";
import { createStore } from "../src/app/store";
import { setLanguage, t } from "../src/text";

let kept: Map<string, string>;
let root: { lang: string; dataset: Record<string, string> };
let events: EventTarget;

beforeEach(() => {
  kept = new Map();
  root = { lang: "", dataset: {} };
  events = new EventTarget();
  vi.stubGlobal("localStorage", {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => kept.set(key, value),
    removeItem: (key: string) => kept.delete(key),
  });
  vi.stubGlobal("document", { documentElement: root });
  vi.stubGlobal("window", events);
  vi.stubGlobal("navigator", { languages: ["zh-CN", "en"], webdriver: true });
  vi.stubGlobal("location", new URL("http://here/"));
});
afterEach(() => {
  setLanguage("en");
  vi.unstubAllGlobals();
});

function started(): Store {
  const store = createStore({ ...INITIAL_STATE, preferences: readPreferences() });
  startPreferences(store);
  return store;
}

describe("the preferences", () => {
  it("follow the browser until something else is chosen", () => {
    const store = started();
    expect([root.lang, root.dataset, t("command.undo")]).toEqual(["zh-CN", {}, "撤销"]);
    store.dispatch({ type: "preferences/language", language: "en" });
    store.dispatch({ type: "preferences/theme", theme: "dark" });
    expect([root.lang, root.dataset, t("command.undo")]).toEqual(["en", { theme: "dark" }, "Undo"]);
    store.dispatch({ type: "preferences/theme", theme: "system" });
    expect(root.dataset).toEqual({});
  });

  it("come back at the next visit", () => {
    const store = started();
    store.dispatch({ type: "preferences/language", language: "en" });
    store.dispatch({ type: "preferences/theme", theme: "light" });
    store.dispatch({ type: "preferences/flip", flip: true });
    store.dispatch({ type: "preferences/click-model", id: "polyps" });
    expect(readPreferences()).toMatchObject({ language: "en", theme: "light", flip: true, clickModel: "polyps" });
    store.dispatch({ type: "preferences/flip", flip: false });
    expect(readPreferences().flip).toBe(false);
    store.dispatch({ type: "preferences/language", language: "system" });
    expect(kept.has("segserve.language")).toBe(false);
  });

  it("keep other keys", () => {
    started().dispatch({ type: "preferences/keys", keys: { undo: ["q"] } });
    expect(readPreferences().keys).toEqual({ undo: ["q"] });
    started().dispatch({ type: "preferences/keys", keys: {} });
    expect(kept.has("segserve.keys")).toBe(false);
  });

  it("show the tour once, and to automated browsers only where they ask for it", () => {
    expect(readPreferences().tour).toBeNull();
    vi.stubGlobal("location", new URL("http://here/?tour"));
    expect(readPreferences().tour).toBe(0);
    vi.stubGlobal("location", new URL("http://here/"));
    vi.stubGlobal("navigator", { languages: ["en"], webdriver: false });
    const store = started();
    expect(store.get().preferences.tour).toBe(0);
    store.dispatch({ type: "preferences/tour", step: 3 });
    expect(readPreferences().tour).toBe(0);
    store.dispatch({ type: "preferences/tour", step: null });
    expect(readPreferences()).toMatchObject({ tour: null, toured: true });
  });

  it("take a change of the browser's language", () => {
    const store = started();
    vi.stubGlobal("navigator", { languages: ["en"] });
    events.dispatchEvent(new Event("languagechange"));
    expect(languageOf(store.get().preferences)).toBe("en");
    expect(t("command.undo")).toBe("Undo");
  });

  it("are the defaults where nonsense is stored, or nothing can be", () => {
    const expected = { ...DEFAULT_PREFERENCES, browserLanguage: "zh" };
    for (const nonsense of ["", "de", "<script>", "__proto__", '{"theme":"dark"}']) {
      for (const key of ["language", "theme", "keys", "tour"]) kept.set(`segserve.${key}`, nonsense);
      expect(readPreferences()).toEqual(expected);
    }
    const refuse = (): never => {
      throw new DOMException("", "SecurityError");
    };
    vi.stubGlobal("localStorage", { getItem: refuse, setItem: refuse, removeItem: refuse });
    expect(readPreferences()).toEqual(expected);
    const store = started();
    store.dispatch({ type: "preferences/theme", theme: "dark" });
    expect(root.dataset).toEqual({ theme: "dark" });
  });
});
