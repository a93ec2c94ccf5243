import { describe, expect, it } from "vitest";

import { commandFor } from "../src/app/commands";
import { crosshairOf } from "../src/app/crosshair";
import { docOf, draftOf, draftStep } from "../src/app/selectors";
import type { AppState } from "../src/app/state";
import { createStore } from "../src/app/store";
import type { Store } from "../src/app/store";
import { isTourStepDone } from "../src/app/tour";
import { toView } from "../src/geometry/camera";
import { imagePoint } from "../src/geometry/frames";
import type { PointLabel } from "../src/geometry/prompt";
import { attachCrosshair } from "../src/ui/crosshair-keys";
import { answered, opened, point, run } from "./document";

/** A picture of 100 x 80 in a view of 1000 x 800 whose right 200 CSS pixels are covered. */
function shown(): AppState {
  const insets = { top: 0, right: 200, bottom: 0, left: 0 };
  return run(opened(), { type: "view/resize", size: { width: 1000, height: 800 }, insets }, { type: "camera/fit" });
}
const moved = (state: AppState, dx: number, dy: number): AppState => run(state, { type: "crosshair/move", dx, dy });

/** A crosshair in a page that has no canvas. */
function handOf(state: AppState): {
  readonly store: Store;
  readonly target: EventTarget;
  readonly at: (dx: number, dy: number) => void;
  readonly press: (label: PointLabel) => void;
  readonly hold: () => void;
} {
  const store = createStore(state);
  const target = new EventTarget();
  attachCrosshair(target as HTMLElement, store);
  return {
    store,
    target,
    at: (dx, dy) => {
      store.dispatch({ type: "crosshair/move", dx, dy });
    },
    press: (label) => store.dispatch({ type: "crosshair/press", label }),
    hold: () => store.dispatch({ type: "crosshair/hold" }),
  };
}

const key = (name: string, shiftKey = false): Parameters<typeof commandFor>[0] => ({
  key: name,
  ctrlKey: false,
  metaKey: false,
  shiftKey,
  altKey: false,
});

describe("the crosshair", () => {
  it("starts in the middle of what is seen, or where the mouse was, and moves by CSS pixels", () => {
    const state = shown();
    const { zoom } = state.view.camera;
    expect(crosshairOf(moved(state, 8, 0))?.at).toEqual(imagePoint(50 + 8 / zoom, 40));
    const pointed = run(state, { type: "pointer/move", at: imagePoint(10, 20) });
    const at = crosshairOf(moved(pointed, 0, -4))?.at;
    expect(at).toEqual(imagePoint(10, 20 - 4 / zoom));
    expect(moved(pointed, 0, -4).view.pointer).toEqual(at);
  });

  it("stays on the picture, and the picture follows it into sight", () => {
    let state = run(shown(), { type: "camera/zoom", at: null, factor: 8 });
    for (let i = 0; i < 200; i++) state = moved(state, 40, 0);
    const at = crosshairOf(state)?.at ?? imagePoint(0, 0);
    expect(at.x).toBe(100);
    expect(toView(state.view.camera, at).x).toBeLessThanOrEqual(1000 - 200);
    for (let i = 0; i < 400; i++) state = moved(state, -40, -40);
    const corner = toView(state.view.camera, crosshairOf(state)?.at ?? imagePoint(9, 9));
    expect(Math.min(corner.x, corner.y)).toBeGreaterThanOrEqual(0);
  });

  it("clicks: adds, takes away, and takes a point back that is there", () => {
    const { store, at, press } = handOf(shown());
    at(8, 0);
    press(1);
    at(80, 0);
    press(0);
    expect(draftOf(store.get()).prompt.points.map(({ label }) => label)).toEqual([1, 0]);
    at(4, 4);
    press(1);
    expect(draftOf(store.get()).prompt.points.map(({ label }) => label)).toEqual([1]);
  });

  it("drags: a box from corner to corner, one step of undo", () => {
    const { store, at, hold } = handOf(shown());
    at(8, 8);
    hold();
    const begun = store.get();
    at(80, 40);
    const { band } = store.get().view;
    expect(band).not.toBeNull();
    expect(docOf(store.get())).toBe(docOf(begun));
    hold();
    expect(draftOf(store.get()).prompt.box).toEqual(band);
    expect([store.get().view.band, crosshairOf(store.get())?.held]).toEqual([null, false]);
    store.dispatch({ type: "history/undo" });
    expect(draftOf(store.get()).prompt.box).toBeNull();
  });

  it("drags a point that is there, and gives the drag up when a mouse comes", () => {
    const { store, at, hold, press, target } = handOf(run(shown(), point(50, 40)));
    at(0, 0);
    hold();
    at(40, 0);
    hold();
    const [moved] = draftOf(store.get()).prompt.points;
    expect(moved?.at.x).toBeCloseTo(50 + 40 / store.get().view.camera.zoom);
    at(80, 0);
    hold();
    at(40, 40);
    expect(store.get().view.band).not.toBeNull();
    target.dispatchEvent(new Event("pointermove"));
    expect([store.get().view.band, store.get().crosshair, draftOf(store.get()).prompt.box]).toEqual([null, null, null]);
    press(1);
    expect(draftOf(store.get()).prompt.points).toHaveLength(1);
  });

  it("gives what it holds up by Esc, and nothing else", () => {
    const { store, at, hold } = handOf(run(shown(), point(50, 40)));
    const doc = docOf(store.get());
    const escape = (): void => {
      const command = commandFor(key("Escape"), store.get());
      if (command !== null) store.dispatch(command.action(store.get()));
    };
    store.dispatch({ type: "tool/choose", tool: "brush" });
    at(80, 0);
    hold();
    at(0, 40);
    escape();
    expect([store.get().view.stroke, crosshairOf(store.get())?.held, docOf(store.get())]).toEqual([null, false, doc]);
    hold();
    at(40, 0);
    expect(store.get().view.stroke?.path).toHaveLength(2);
    hold();
    expect(draftStep(store.get())?.edit?.kind).toBe("paint");
    escape();
    expect(draftOf(store.get()).step).toBeNull();
  });

  it("lets go where its picture or its tool goes away", () => {
    const { store, at, hold } = handOf(shown());
    store.dispatch({ type: "tool/choose", tool: "box" });
    at(0, 0);
    hold();
    at(80, 40);
    store.dispatch({ type: "tool/choose", tool: "brush" });
    expect([store.get().view.band, crosshairOf(store.get())?.held]).toEqual([null, false]);
    hold();
    at(20, 0);
    store.dispatch({ type: "picture/open", name: "b.jpg", bytes: 1 });
    const epoch = store.get().picture?.epoch ?? 0;
    store.dispatch({ type: "picture/update", epoch, change: { size: { width: 100, height: 80 }, phase: "ready" } });
    expect(store.get().view.stroke).toBeNull();
    store.dispatch({ type: "tool/choose", tool: "point" });
    at(0, 0);
    hold();
    hold(); // a click of the point tool, not the end of the brush's stroke
    expect(draftOf(store.get()).prompt.points).toHaveLength(1);
    expect(draftStep(store.get())?.edit).toBeNull();
  });

  it("is the hand of every tool that draws", () => {
    const { store, at, hold, press } = handOf(shown());
    store.dispatch({ type: "tool/choose", tool: "brush" });
    at(0, 0);
    hold();
    at(40, 0);
    expect(store.get().view.stroke?.path).toHaveLength(2);
    hold();
    expect(draftStep(store.get())?.edit?.kind).toBe("paint");
    store.dispatch({ type: "tool/choose", tool: "lasso" });
    hold();
    for (const [dx, dy] of [[80, 0], [0, 80], [-80, 0]] as const) at(dx, dy); // prettier-ignore
    hold();
    expect(draftStep(store.get())?.feedback).toHaveLength(1);
    expect(draftOf(store.get()).prompt.box).not.toBeNull();
    store.dispatch({ type: "draft/cancel" });
    store.dispatch({ type: "tool/choose", tool: "polygon" });
    for (const [dx, dy] of [
      [0, 0],
      [120, 0],
      [0, 120],
    ] as const) {
      at(dx, dy);
      press(1);
    }
    expect(store.get().view.stroke?.path).toHaveLength(3);
    press(1); // again on the last corner: closed
    expect(draftStep(store.get())?.edit?.kind).toBe("outline");
    store.dispatch({ type: "tool/choose", tool: "pan" });
    press(1);
    expect(draftOf(store.get()).prompt.points).toHaveLength(0);
  });

  it("is gone with the picture, and its keys with it", () => {
    const state = moved(shown(), 8, 0);
    expect(commandFor(key(" "), state)?.enabled(state)).toBe(true);
    expect(commandFor(key(" ", true), state)?.id).toBe("crosshair.remove");
    const next = run(state, { type: "picture/open", name: "b.jpg", bytes: 1 });
    expect(crosshairOf(next)).toBeNull();
    expect(commandFor(key(" "), next)?.enabled(next)).toBe(false);
    expect(run(next, { type: "crosshair/hold" })).toBe(next);
  });
});

describe("the tour", () => {
  it("goes on when what a step asks for was done", () => {
    const empty = opened();
    const clicked = answered(run(empty, point(10, 10)));
    const corrected = answered(run(clicked, point(20, 20, 0)));
    const accepted = run(corrected, { type: "draft/accept" });
    expect([empty, clicked].map((state) => isTourStepDone("click", state))).toEqual([false, true]);
    expect([clicked, corrected].map((state) => isTourStepDone("correct", state))).toEqual([false, true]);
    expect([corrected, accepted].map((state) => isTourStepDone("accept", state))).toEqual([false, true]);
    expect([isTourStepDone("open", empty), isTourStepDone("keep", accepted)]).toEqual([true, false]);
  });
});
