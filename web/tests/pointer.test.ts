import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { draftOf } from "../src/app/selectors";
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
