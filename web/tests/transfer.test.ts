import { afterEach, expect, it, vi } from "vitest";

import { createStore } from "../src/app/store";
import { attachTransfer } from "../src/ui/transfer";

afterEach(() => vi.unstubAllGlobals());

it("the page offers to open what comes from outside, not its own rows", () => {
  const page = new EventTarget();
  vi.stubGlobal("window", page);
  const store = createStore();
  const stop = attachTransfer(store);
  const drag = (kind: string, ...types: string[]): boolean => {
    page.dispatchEvent(Object.assign(new Event(kind, { cancelable: true }), { dataTransfer: { types } }));
    return store.get().view.dropping;
  };
  const row = "application/x-segserve-object";
  expect([drag("dragenter", row), drag("dragenter", row)]).toEqual([false, false]); // its drop is the row's own business
  expect([drag("dragenter", "Files"), drag("dragenter", "Files"), drag("dragleave", "Files")]).toEqual([
    true,
    true,
    true,
  ]);
  expect(drag("dragleave", "Files")).toBe(false);
  expect([drag("dragenter", "text/uri-list", "text/html"), drag("drop", "text/uri-list")]).toEqual([true, false]);
  expect([drag("dragenter", "text/plain"), drag("drop", "text/plain")]).toEqual([true, false]);
  stop();
});
