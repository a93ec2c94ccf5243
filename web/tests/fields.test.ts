import { h, render } from "preact";
import { expect, it, vi } from "vitest";

import { emptyResources } from "../src/app/mask-library";
import { objectsOf } from "../src/app/selectors";
import type { Store } from "../src/app/store";
import { createStore } from "../src/app/store";
import { AppContext } from "../src/ui/context";
import { ObjectList } from "../src/ui/ObjectList";
import { answered, opened, point, run } from "./document";
import { FakeDocument } from "./elements";

vi.hoisted(() => {
  vi.stubGlobal("navigator", { userAgent: "" }); // for the names of keys
  vi.stubGlobal("window", { devicePixelRatio: 1 });
});

/** The panel of a picture with one object. */
function panel(): { store: Store; document: FakeDocument } {
  const document = new FakeDocument();
  const store = createStore(run(answered(run(opened(), point(10, 10))), { type: "draft/accept" }));
  const services = { store, resources: emptyResources() };
  render(h(AppContext.Provider, { value: services }, h(ObjectList, {})), document.body as unknown as HTMLElement);
  return { store, document };
}

/** What was chosen or dispatched is drawn. */
const drawn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 60));

async function adding({ document }: ReturnType<typeof panel>, testId: string): Promise<void> {
  const picker = document.body.part(testId);
  picker.value = "\u0000new";
  picker.dispatchEvent(new Event("change"));
  await drawn();
  expect(document.activeElement).toBe(document.body.part(`${testId}-field`));
}

it.each(["next-label", "object-label"])("Escape leaves a new class alone (%s)", async (testId) => {
  const made = panel();
  await adding(made, testId);
  const { history } = made.store.get();
  made.document.activeElement?.press("cup", "Escape");
  await drawn();
  expect(made.store.get().workspace.labels).toEqual([]);
  expect(made.store.get().history).toBe(history);
  expect(() => made.document.body.part(`${testId}-field`)).toThrow();
});

it("Enter chooses a new class once, and so does a click elsewhere", async () => {
  const made = panel();
  const { past } = made.store.get().history;
  await adding(made, "object-label");
  made.document.activeElement?.press(" cup ", "Enter");
  await drawn();
  expect(objectsOf(made.store.get()).map(({ label }) => label)).toEqual(["cup"]);
  expect(made.store.get().history.past.length).toBe(past.length + 1);
  await adding(made, "object-label");
  if (made.document.activeElement !== null) made.document.activeElement.value = "plate";
  made.document.activeElement?.blur();
  await drawn();
  expect(objectsOf(made.store.get()).map(({ label }) => label)).toEqual(["plate"]);
  expect(made.store.get().history.past.length).toBe(past.length + 2);
});

it("an object's name is changed once by Enter, and not by Escape", async () => {
  const made = panel();
  const { past } = made.store.get().history;
  for (const key of ["Escape", "Enter"]) {
    made.document.body.part("object-rename").dispatchEvent(new Event("click"));
    await drawn();
    made.document.activeElement?.press(key, key);
    await drawn();
  }
  expect(objectsOf(made.store.get()).map(({ name }) => name)).toEqual(["Enter"]);
  expect(made.store.get().history.past.length).toBe(past.length + 1);
});

it("keys mean the picture again when the rule for new objects was changed", () => {
  const { store, document } = panel();
  const box = document.body.part("exclusive");
  box.focus();
  box.checked = true;
  box.dispatchEvent(new Event("change"));
  expect(store.get().workspace.exclusive).toBe(true);
  expect(document.activeElement).toBeNull();
});
