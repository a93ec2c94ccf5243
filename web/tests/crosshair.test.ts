import { describe, expect, it } from "vitest";

import { commandFor } from "../src/app/commands";
import { crosshairOf } from "../src/app/crosshair";
import { docOf, draftOf } from "../src/app/selectors";
import type { AppState } from "../src/app/state";
import { isTourStepDone } from "../src/app/tour";
import { toView } from "../src/geometry/camera";
import { imagePoint } from "../src/geometry/frames";
import { answered, opened, point, run } from "./document";

/** A picture of 100 x 80 in a view of 1000 x 800 whose right 200 CSS pixels are covered. */
function shown(): AppState {
  const insets = { top: 0, right: 200, bottom: 0, left: 0 };
  return run(opened(), { type: "view/resize", size: { width: 1000, height: 800 }, insets }, { type: "camera/fit" });
}
const moved = (state: AppState, dx: number, dy: number): AppState => run(state, { type: "crosshair/move", dx, dy });
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

  it("adds, takes away, and takes a point back that is there", () => {
    const added = run(moved(shown(), 8, 0), { type: "crosshair/press", label: 1 });
    expect(draftOf(added).prompt.points.map(({ label }) => label)).toEqual([1]);
    const both = run(moved(added, 80, 0), { type: "crosshair/press", label: 0 });
    expect(draftOf(both).prompt.points.map(({ label }) => label)).toEqual([1, 0]);
    expect(draftOf(run(moved(both, 4, 4), { type: "crosshair/press", label: 1 })).prompt.points).toHaveLength(1);
  });

  it("draws a box from corner to corner, one step of undo", () => {
    const begun = run(moved(shown(), 8, 8), { type: "crosshair/corner" });
    const drawn = moved(begun, 80, 40);
    expect(drawn.view.band).not.toBeNull();
    expect(docOf(drawn)).toBe(docOf(begun));
    const ended = run(drawn, { type: "crosshair/corner" });
    expect(draftOf(ended).prompt.box).toEqual(drawn.view.band);
    expect([ended.view.band, crosshairOf(ended)?.corner]).toEqual([null, null]);
    expect(draftOf(run(ended, { type: "history/undo" })).prompt.box).toBeNull();
    const given = run(drawn, { type: "crosshair/hide" });
    expect([given.view.band, given.crosshair, draftOf(given).prompt.box]).toEqual([null, null, null]);
    expect(draftOf(run(begun, { type: "crosshair/corner" })).prompt.box).toBeNull();
  });

  it("is gone with the picture, and its keys with it", () => {
    const state = moved(shown(), 8, 0);
    expect(commandFor(key(" "), state)?.enabled(state)).toBe(true);
    expect(commandFor(key(" ", true), state)?.id).toBe("crosshair.remove");
    const next = run(state, { type: "picture/open", name: "b.jpg", bytes: 1 });
    expect(crosshairOf(next)).toBeNull();
    expect(commandFor(key(" "), next)?.enabled(next)).toBe(false);
    expect(run(next, { type: "crosshair/press", label: 1 })).toBe(next);
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
