import { describe, expect, it, vi } from "vitest";

import { wanted } from "../src/app/effects/detail";
import type { Resources } from "../src/app/mask-library";
import { emptyResources } from "../src/app/mask-library";
import type { AppState } from "../src/app/state";
import { INITIAL_STATE } from "../src/app/state";
import type { Size } from "../src/geometry/frames";
import { viewPoint } from "../src/geometry/frames";
import { fitted } from "../src/pictures/pixels";
import { run } from "./document";

const bitmapOf = ({ width, height }: Size): ImageBitmap => ({ width, height }) as ImageBitmap;

function near(size: Size, view: Size, zoom: number): { state: AppState; resources: Resources } {
  vi.stubGlobal("devicePixelRatio", 1);
  let state = run(INITIAL_STATE, { type: "picture/open", name: "a.jpg", bytes: 1 });
  const insets = { top: 0, right: 0, bottom: 0, left: 0 };
  state = run(state, { type: "view/resize", size: view, insets });
  const epoch = state.picture?.epoch ?? 0;
  state = run(state, { type: "picture/update", epoch, change: { size, phase: "ready" } }, { type: "camera/fit" });
  const factor = zoom / state.view.camera.zoom;
  state = run(state, { type: "camera/zoom", at: viewPoint(view.width / 2, view.height / 2), factor });
  return { state, resources: { ...emptyResources(), bitmap: bitmapOf(fitted(size, 4096)) } };
}

describe("what is decoded by itself", () => {
  it("is nothing from afar, and nothing of pictures that are shown whole", () => {
    const far = near({ width: 12000, height: 8000 }, { width: 1200, height: 800 }, 0.1);
    expect(wanted(far.state, far.resources)).toBeNull();
    const small = near({ width: 3000, height: 2000 }, { width: 1200, height: 800 }, 4);
    expect(wanted(small.state, small.resources)).toBeNull();
  });

  it.each([
    [
      { width: 12000, height: 8000 },
      { width: 3840, height: 2160 },
    ],
    [
      { width: 6048, height: 8064 },
      { width: 3024, height: 1964 },
    ],
    [
      { width: 9000, height: 6700 },
      { width: 1280, height: 800 },
    ],
    [
      { width: 20000, height: 3000 },
      { width: 2560, height: 1440 },
    ],
  ])("is decoded once at every zoom: a picture of %o in a view of %o", (size, view) => {
    for (const zoom of [0.3, 0.45, 0.6, 0.9, 1.3, 2, 5]) {
      const { state, resources } = near(size, view, zoom);
      const area = wanted(state, resources);
      if (area === null) continue;
      expect(area.x >= 0 && area.y >= 0 && area.x + area.width <= size.width).toBe(true);
      const shown = fitted(area, Math.max(resources.bitmap?.width ?? 0, resources.bitmap?.height ?? 0));
      resources.detail = { bitmap: bitmapOf(shown), area };
      expect(wanted(state, resources), `zoom ${zoom}`).toBeNull();
    }
  });
});
