import { describe, expect, it } from "vitest";

import { followOutline } from "../src/app/effects/outline";
import { emptyResources } from "../src/app/mask-library";
import { offeredRegion } from "../src/app/region";
import { draftMask, draftOf, exportable, maskless, objectsOf } from "../src/app/selectors";
import type { AppState } from "../src/app/state";
import { createStore } from "../src/app/store";
import { imagePoint, viewPoint } from "../src/geometry/frames";
import { answered, opened, point, run, two } from "./document";

describe("the masks of a document", () => {
  it("are exported together with the draft", () => {
    const state = answered(run(two(), point(70, 70)));
    expect(exportable(state, "cat").map(({ label }) => label)).toEqual(["", "", "cat"]);
    const again = run(state, point(1, 1)); // its mask before is shown until the answer comes
    expect(exportable(again)).toEqual(exportable(state));
    expect(maskless(again)).toBe(0);
  });

  it("are exported in their order, one that is clicked again with the mask that is shown", () => {
    const state = two();
    const ids = objectsOf(state).map(({ id }) => id);
    const selected = run(state, { type: "object/select", id: ids[0] ?? -1 });
    expect(exportable(selected).map(({ id }) => id)).toEqual(ids);
    const clicked = run(selected, point(1, 1));
    expect(exportable(clicked)).toEqual(exportable(selected));
    const mended = answered(clicked);
    expect(exportable(mended).map(({ id }) => id)).toEqual(ids);
    expect(exportable(mended)[0]?.ref).toEqual(draftMask(mended));
  });

  it("that have no mask yet are counted", () => {
    const state = run(two(), point(70, 70));
    expect([exportable(state).length, maskless(state)]).toEqual([2, 1]);
    const id = draftOf(state).step ?? -1;
    const failed = run(state, { type: "step/failed", step: id });
    expect(maskless(failed)).toBe(1);
  });
});

describe("the camera of a picture that is left", () => {
  const NONE = { left: 0, top: 0, right: 0, bottom: 0 };
  const resized = (state: AppState, width: number): AppState =>
    run(state, { type: "view/resize", size: { width, height: 600 }, insets: NONE });
  /** A picture of 100 x 80 in a wide view, then another one; the view narrow when the first comes back. */
  const backInNarrow = (look: (state: AppState) => AppState): AppState => {
    const first = look(run(resized(opened(), 1400), { type: "camera/fit" }));
    const other = run(first, { type: "picture/open", name: "b.jpg", bytes: 1 });
    return run(resized(other, 300), { type: "workspace/show", id: first.picture?.epoch ?? -1 });
  };

  it("is fitted again where it was fitted, whatever the window has become", () => {
    const back = backInNarrow((state) => state);
    expect(back.view.camera).toEqual(run(back, { type: "camera/fit" }).view.camera);
  });

  it("is left alone while nobody knows how large the view is", () => {
    const moved = run(resized(opened(), 1400), { type: "camera/fit" }, { type: "camera/pan", dx: 300, dy: 40 });
    const first = moved.picture?.epoch ?? -1;
    const other = run(moved, { type: "picture/open", name: "b.jpg", bytes: 1 });
    const begun = { ...other, view: { ...other.view, size: { width: 1, height: 1 } } };
    const back = run(begun, { type: "workspace/show", id: first });
    expect(back.view.camera).toEqual(moved.view.camera);
    expect(resized(back, 1400).view.camera).toEqual(moved.view.camera);
  });

  it("is its own: one that was never measured has none", () => {
    const moved = run(resized(opened(), 1400), { type: "camera/fit" }, { type: "camera/zoom", at: null, factor: 3 });
    const unmeasured = run(moved, { type: "picture/open", name: "b.jpg", bytes: 1 });
    const id = unmeasured.picture?.epoch ?? -1;
    const left = run(unmeasured, { type: "workspace/show", id: moved.picture?.epoch ?? -1 });
    const measured = run(left, { type: "workspace/entry", id, change: { size: { width: 50, height: 50 } } });
    const back = run(measured, { type: "workspace/show", id });
    expect(back.view.camera).toEqual(run(back, { type: "camera/fit" }).view.camera);
  });

  it("keeps its zoom otherwise, and the picture in sight", () => {
    const zoomed = (state: AppState): AppState => {
      const near = run(state, { type: "camera/zoom", at: viewPoint(1200, 300), factor: 3 });
      return run(near, { type: "camera/pan", dx: 900, dy: 0 });
    };
    const { camera } = backInNarrow(zoomed).view;
    expect(camera.zoom).toBe(zoomed(run(resized(opened(), 1400), { type: "camera/fit" })).view.camera.zoom);
    expect(camera.x).toBeLessThan(300);
  });
});

describe("a part of the picture", () => {
  it("is not offered to be encoded where the server answers, for it sees the whole", () => {
    const size = { width: 400, height: 320 };
    const insets = { left: 0, top: 0, right: 0, bottom: 0 };
    const fitted = run(opened(), { type: "view/resize", size, insets }, { type: "camera/fit" });
    const near = run(fitted, { type: "camera/zoom", at: null, factor: 2 });
    expect(offeredRegion(near)).not.toBeNull();
    expect(offeredRegion(run(near, { type: "engine/update", change: { backend: "server" } }))).toBeNull();
  });
});

describe("the outline", () => {
  it("comes back when its tool is chosen again", () => {
    const store = createStore();
    store.dispatch({ type: "picture/open", name: "a", bytes: 1 });
    const epoch = store.get().picture?.epoch ?? -1;
    store.dispatch({ type: "picture/update", epoch, change: { size: { width: 20, height: 10 } } });
    followOutline(store, emptyResources());
    store.dispatch({ type: "tool/choose", tool: "polygon" });
    const rings = [[imagePoint(1, 1), imagePoint(9, 1), imagePoint(9, 9)]];
    store.dispatch({ type: "mask/edit", edit: { kind: "outline", rings } });
    const step = draftOf(store.get()).step ?? -1;
    const candidates = [{ index: 0, iou: null }];
    store.dispatch({ type: "step/decoded", step, candidates, fedBack: null, revision: null, ms: 1 });
    expect(store.get().view.outline).toEqual(rings);
    store.dispatch({ type: "tool/choose", tool: "polygon" });
    expect(store.get().view.outline).toEqual(rings);
    store.dispatch({ type: "tool/choose", tool: "point" });
    expect(store.get().view.outline).toBeNull();
  });
});
