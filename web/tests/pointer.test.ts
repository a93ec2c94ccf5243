import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { commandFor } from "../src/app/commands";
import { docOf, draftOf } from "../src/app/selectors";
import type { Store } from "../src/app/store";
import { createStore } from "../src/app/store";
import { attachPointer } from "../src/ui/pointer";

let store: Store;
let target: EventTarget;
let detach: () => void;

beforeEach(() => {
  vi.stubGlobal("window", new EventTarget());
  const place = { left: 0, top: 0, width: 100, height: 100 };
  target = Object.assign(new EventTarget(), {
    setPointerCapture: () => undefined,
    getBoundingClientRect: () => place,
  });
  store = createStore();
  store.dispatch({ type: "view/resize", size: place, insets: { left: 0, top: 0, right: 0, bottom: 0 } });
  store.dispatch({ type: "picture/open", name: "a.jpg", bytes: 1 });
  const epoch = store.get().picture?.epoch ?? -1;
  store.dispatch({ type: "picture/update", epoch, change: { size: { width: 100, height: 100 } } });
  detach = attachPointer(target as HTMLElement, store);
});
afterEach(() => {
  detach();
  vi.unstubAllGlobals();
});

type Kind = "down" | "move" | "up";

/** Pointer events at (x, y), `at` milliseconds after the page began. */
function send(pointerType: "pen" | "touch" | "mouse", at: number, x: number, y: number, ...kinds: Kind[]): void {
  for (const kind of kinds) {
    const event = new Event(`pointer${kind}`);
    const pointerId = { pen: 1, touch: 2, mouse: 3 }[pointerType];
    const held = { button: 0, shiftKey: false, altKey: false };
    for (const [name, value] of Object.entries({ pointerType, pointerId, clientX: x, clientY: y, ...held })) {
      Object.defineProperty(event, name, { value });
    }
    Object.defineProperty(event, "timeStamp", { value: at });
    target.dispatchEvent(event);
  }
}
const points = (): number => draftOf(store.get()).prompt.points.length;

it("a finger clicks", () => {
  send("touch", 0, 20, 20, "down", "up");
  expect(points()).toBe(1);
});

it.each(["point", "box", "brush", "scribble"] as const)(
  "a %s that was begun on another picture comes to nothing",
  (tool) => {
    store.dispatch({ type: "tool/choose", tool });
    send("mouse", 0, 20, 20, "down");
    send("mouse", 10, 60, 60, "move");
    store.dispatch({ type: "picture/open", name: "b.jpg", bytes: 1 });
    const epoch = store.get().picture?.epoch ?? -1;
    store.dispatch({ type: "picture/update", epoch, change: { size: { width: 100, height: 100 } } });
    send("mouse", 20, 70, 70, "move", "up");
    const { draft } = store.get().history.present;
    expect([draft.step, draft.prompt.points, draft.prompt.box]).toEqual([null, [], null]);
    expect([store.get().view.band, store.get().view.stroke]).toEqual([null, null]);
  },
);

/** What Esc does now; the command's name. */
function escape(): string {
  const press = { key: "Escape", ctrlKey: false, metaKey: false, shiftKey: false, altKey: false };
  const command = commandFor(press, store.get());
  if (command?.enabled(store.get()) === true) store.dispatch(command.action(store.get()));
  return command?.id ?? "";
}

it.each(["point", "box", "brush", "eraser", "scribble", "lasso", "select", "pan"] as const)(
  "Esc in the middle of a drag by %s drops the drag and nothing else",
  (tool) => {
    send("mouse", 0, 80, 80, "down", "up");
    store.dispatch({ type: "object/mark", ids: [1] });
    const epoch = store.get().picture?.epoch ?? -1;
    store.dispatch({ type: "picture/update", epoch, change: { phase: "encoding" } });
    const before = store.get();
    store.dispatch({ type: "tool/choose", tool });
    send("mouse", 10, 20, 20, "down");
    send("mouse", 20, 60, 20, "move");
    send("mouse", 30, 60, 60, "move");
    expect(escape()).toBe("cancel");
    send("mouse", 40, 20, 60, "move", "up");
    expect([docOf(store.get()), store.get().marked]).toEqual([docOf(before), before.marked]);
    expect(store.get().view).toMatchObject({ band: null, stroke: null, grabbing: false, held: false });
    expect(escape()).toBe("stop");
  },
);

it("Esc drops a press that has not moved, a point that is dragged and a finger that pans", () => {
  send("mouse", 0, 80, 80, "down", "up");
  const doc = docOf(store.get());
  send("mouse", 10, 20, 20, "down");
  escape();
  send("mouse", 20, 20, 20, "up");
  send("mouse", 30, 80, 80, "down");
  send("mouse", 40, 40, 40, "move");
  expect(store.get().view.moving).not.toBeNull();
  escape();
  send("mouse", 50, 40, 40, "move", "up");
  expect([docOf(store.get()), store.get().view.moving]).toEqual([doc, null]);
  send("touch", 60, 20, 20, "down");
  send("touch", 70, 60, 20, "move");
  escape();
  expect([docOf(store.get()), store.get().view.grabbing]).toEqual([doc, false]);
  escape();
  expect(docOf(store.get())).not.toBe(doc);
});

it("a hand that rests while its pen draws does nothing", () => {
  store.dispatch({ type: "tool/choose", tool: "brush" });
  send("pen", 0, 10, 10, "down");
  send("pen", 20, 30, 10, "move");
  send("touch", 30, 80, 90, "down", "move");
  const stroke = store.get().view.stroke;
  expect(stroke?.path.length).toBeGreaterThan(0);
  send("touch", 40, 82, 91, "move", "up");
  expect(store.get().view.stroke).toBe(stroke);
  send("pen", 60, 50, 10, "move", "up");
  expect(draftOf(store.get()).step).not.toBeNull();
});

it("a hand that came before its pen has made no click", () => {
  send("touch", 0, 80, 90, "down");
  send("pen", 50, 20, 20, "down", "up");
  send("touch", 300, 80, 90, "up");
  expect(points()).toBe(1);
  expect(draftOf(store.get()).prompt.points[0]?.at.x).toBeLessThan(50);
});

it("a pen that is held still keeps its stroke", () => {
  store.dispatch({ type: "tool/choose", tool: "brush" });
  send("pen", 0, 10, 10, "down", "move");
  const stroke = store.get().view.stroke;
  send("touch", 5000, 80, 90, "down", "move", "up");
  expect(store.get().view.stroke).toBe(stroke);
});

it("fingers count again when the pen has been away for a second", () => {
  send("pen", 0, 20, 20, "down", "up");
  send("touch", 900, 60, 60, "down", "up");
  expect(points()).toBe(1);
  send("touch", 1100, 60, 60, "down", "up");
  expect(points()).toBe(2);
});
