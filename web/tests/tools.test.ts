import { describe, expect, it } from "vitest";

import type { Action } from "../src/app/actions";
import { imagePoint, viewPoint } from "../src/geometry/frames";
import { pinch } from "../src/tools/pinch";
import type { RouterState, ToolName } from "../src/tools/router";
import { route } from "../src/tools/router";
import type { Gesture } from "../src/tools/tool";

const image = { width: 200, height: 100 };

/** View and image coordinates are the same here: zoom 1, no offset. */
function gesture(kind: Gesture["kind"], x: number, y: number, change: Partial<Gesture> = {}): Gesture {
  return {
    kind,
    at: imagePoint(x, y),
    view: viewPoint(x, y),
    button: 0,
    shift: false,
    alt: false,
    space: false,
    touch: false,
    hit: null,
    vertex: null,
    outline: null,
    drawn: [],
    closes: false,
    radius: 5,
    label: 1,
    image,
    ...change,
  };
}

function play(tool: ToolName, ...gestures: Gesture[]): Action[] {
  let state: RouterState | null = null;
  const actions: Action[] = [];
  for (const next of gestures) {
    const outcome = route(state, tool, next);
    state = outcome.state;
    actions.push(...outcome.actions);
  }
  return actions;
}

const clickAt = (x: number, y: number, change: Partial<Gesture> = {}): Gesture[] => [
  gesture("down", x, y, change),
  gesture("move", x + 1, y, change),
  gesture("up", x + 1, y, change),
];
const dragTo = (x: number, y: number, change: Partial<Gesture> = {}): Gesture[] => [
  gesture("down", 10, 10, change),
  gesture("move", x / 2, y / 2, change),
  gesture("move", x, y, change),
  gesture("up", x, y, change),
];

describe("a pen's other end", () => {
  it.each(["brush", "eraser"] as const)("erases with the %s", (tool) => {
    expect(play(tool, ...dragTo(30, 30, { button: 5 })).at(-1)).toMatchObject({
      type: "mask/edit",
      edit: { erase: true },
    });
  });
});

describe("the polygon tool by finger", () => {
  const outline = [[imagePoint(10, 10), imagePoint(50, 10), imagePoint(50, 50), imagePoint(10, 50)]];
  const corner = { outline, vertex: { ring: 0, vertex: 2, between: false }, label: 0 as const };

  it("takes a corner away by a tap that takes away, and moves it by a drag all the same", () => {
    const rings = (actions: Action[]): unknown => {
      const last = actions.at(-1);
      return last?.type === "mask/edit" && last.edit.kind === "outline" ? last.edit.rings : null;
    };
    expect(rings(play("polygon", ...clickAt(50, 50, corner)))).toEqual([
      [imagePoint(10, 10), imagePoint(50, 10), imagePoint(10, 50)],
    ]);
    expect(rings(play("polygon", ...clickAt(50, 50, { ...corner, label: 1 })))).toBeNull();
    const dragged = play("polygon", gesture("down", 50, 50, corner), gesture("move", 80, 60), gesture("up", 80, 60));
    expect(rings(dragged)).toEqual([[imagePoint(10, 10), imagePoint(50, 10), imagePoint(80, 60), imagePoint(10, 50)]]);
  });
});

describe("the point tool", () => {
  it("adds foreground by a click and background by the secondary button or Shift", () => {
    const labelOf = (change: Partial<Gesture>): unknown =>
      play("point", ...clickAt(20, 30, change)).map((action) => action.type === "point/add" && action.label);
    expect(labelOf({})).toEqual([1]);
    expect(labelOf({ button: 2 })).toEqual([0]);
    expect(labelOf({ shift: true })).toEqual([0]);
    expect(labelOf({ label: 0 })).toEqual([0]);
  });

  it("puts the point where the press was", () => {
    expect(play("point", ...clickAt(20, 30))).toEqual([{ type: "point/add", at: { x: 20, y: 30 }, label: 1 }]);
  });

  it("takes a point away by a click on it, and ignores clicks beside the picture", () => {
    expect(play("point", ...clickAt(20, 30, { hit: 7 }))).toEqual([{ type: "point/remove", id: 7 }]);
    expect(play("point", ...clickAt(250, 30))).toEqual([]);
  });

  it("makes a box of a drag, kept inside the picture", () => {
    const actions = play("point", ...dragTo(500, 60));
    expect(actions.at(-1)).toEqual({ type: "box/set", box: { x1: 10, y1: 10, x2: 200, y2: 60 } });
    expect(actions.some((action) => action.type === "point/add")).toBe(false);
    expect(actions.at(-2)).toEqual({ type: "band/set", box: null });
  });

  it("moves the picture under a dragging finger", () => {
    const types = play("point", ...dragTo(80, 60, { touch: true })).map((action) => action.type);
    expect(types).toContain("camera/pan");
    expect(types).not.toContain("box/set");
  });

  it("makes nothing of a drag with the secondary button or of a cancelled press", () => {
    expect(play("point", ...dragTo(80, 60, { button: 2 }))).toEqual([]);
    const cancelled = play("point", gesture("down", 1, 1), gesture("cancel", 1, 1), gesture("up", 1, 1));
    expect(cancelled).toEqual([{ type: "band/set", box: null }]);
  });
});

describe("the box tool", () => {
  it("makes boxes only", () => {
    expect(play("box", ...clickAt(20, 30))).toEqual([]);
    expect(play("box", ...dragTo(4, 60)).at(-1)).toEqual({ type: "box/set", box: { x1: 4, y1: 10, x2: 10, y2: 60 } });
  });
});

describe("panning", () => {
  it("is Space, the middle button, or the tool", () => {
    for (const [tool, change] of [
      ["point", { space: true }],
      ["box", { button: 1 }],
      ["pan", {}],
    ] as const) {
      const actions = play(tool, ...dragTo(50, 30, change));
      const moved = actions.filter((action) => action.type === "camera/pan");
      expect(moved.reduce((sum, action) => sum + action.dx, 0)).toBe(40);
      expect(actions.at(-1)).toEqual({ type: "grab/set", grabbing: false });
    }
  });

  it("with two fingers moves and zooms about their middle", () => {
    const [moved, zoomed] = pinch([viewPoint(0, 0), viewPoint(10, 0)], [viewPoint(5, 5), viewPoint(25, 5)]);
    expect(moved).toEqual({ type: "camera/pan", dx: 10, dy: 5 });
    expect(zoomed).toEqual({ type: "camera/zoom", at: { x: 15, y: 5 }, factor: 2 });
  });
});
