import { describe, expect, it } from "vitest";

import type { Action } from "../src/app/actions";
import { draftOf, objectsOf } from "../src/app/selectors";
import type { AppState } from "../src/app/state";
import { placed, rasterAsLogits } from "../src/geometry/mask";
import { place } from "../src/geometry/resize";
import { announcementOf, coverageOf, placeText } from "../src/ui/announcements";
import { answered, opened, point, run } from "./document";

/** A wide picture in a square input: the lower half of the logits is padding. */
const logits = placed(
  {
    data: Float32Array.from([1, 1, -1, -1, -1, -1, -1, -1, 9, 9, 9, 9, 9, 9, 9, 9]),
    width: 4,
    height: 4,
  },
  place({ width: 200, height: 100 }, 64, "longest_side"),
  0,
);

function said(before: AppState, action: Action): string {
  return announcementOf(run(before, action), before, action, () => logits);
}

/** The answer to the draft's step, told. */
function saidOfAnswer(asked: AppState): string {
  const id = draftOf(asked).step ?? -1;
  const candidates = [{ index: 0, iou: 0.927 }];
  return said(asked, { type: "step/decoded", step: id, candidates, fedBack: null, revision: "a", ms: 1 });
}

describe("what is said", () => {
  it("counts the mask on the picture, not on its padding", () => {
    expect(coverageOf(logits)).toBe(0.25);
    const picture = { width: 10, height: 10 };
    const area = { x: 6, y: 2, width: 2, height: 5 };
    expect(coverageOf(rasterAsLogits({ picture, area, data: new Uint8Array(10).fill(1) }))).toBeCloseTo(0.1, 9);
  });

  it("tells of points, boxes and their masks", () => {
    const empty = opened();
    expect(said(empty, point(10, 10))).toBe("Point added.");
    expect(said(empty, point(10, 10, 0))).toBe("Background point added.");
    expect(saidOfAnswer(run(empty, point(10, 10)))).toBe("The mask covers 25% of the picture, score 0.93.");
    const clicked = answered(run(empty, point(10, 10)));
    const twice = answered(run(clicked, point(20, 20)));
    const newest = draftOf(twice).prompt.points[1]?.id ?? -1;
    expect(said(twice, { type: "point/remove", id: newest })).toMatch(/^Point removed. The mask covers/);
    expect(said(clicked, { type: "candidate/choose", candidate: 1 })).toMatch(/^Candidate 2. The mask covers/);
    expect(
      said(run(empty, point(9, 9)), { type: "step/failed", step: draftOf(run(empty, point(9, 9))).step ?? -1 }),
    ).toBe("No mask.");
  });

  it("tells of objects", () => {
    const clicked = answered(run(opened(), point(10, 10)));
    expect(said(clicked, { type: "draft/accept" })).toBe("Object 1 accepted.");
    expect(said(clicked, { type: "draft/cancel" })).toBe("Cancelled.");
    expect(said(clicked, { type: "history/undo" })).toBe("Undone.");
    const one = run(clicked, { type: "draft/accept" });
    const id = objectsOf(one)[0]?.id ?? -1;
    expect(said(one, { type: "object/delete", ids: [id] })).toBe("Object deleted.");
    expect(said(one, { type: "object/select", id })).toMatch(/^The mask covers/);
    const refined = answered(run(one, { type: "object/select", id }, point(12, 12)));
    expect(said(refined, { type: "draft/accept" })).toBe("Object 1 saved.");
  });

  it("tells of what is done to objects in the list", () => {
    let state = opened();
    for (const x of [10, 60, 90]) state = run(answered(run(state, point(x, 10))), { type: "draft/accept" });
    const [a, b, c] = objectsOf(state).map(({ id }) => id);
    if (a === undefined || b === undefined || c === undefined) throw new Error("There are no objects.");
    expect(said(state, { type: "object/label", ids: [b], label: "cup" })).toBe("Object 2 is of class cup.");
    expect(said(state, { type: "object/label", ids: [b], label: "" })).toBe("Object 2 has no class now.");
    expect(said(state, { type: "workspace/label", label: "cup" })).toBe("New objects: cup.");
    expect(said(state, { type: "object/lock", id: a })).toBe("Object 1 locked.");
    const locked = run(state, { type: "object/lock", id: a });
    expect(said(locked, { type: "object/lock", id: a })).toBe("Object 1 unlocked.");
    expect(said(locked, { type: "object/label", ids: [a], label: "cup" })).toBe("");
    expect(said(locked, { type: "object/label", ids: [a, b], label: "cup" })).toBe("Object 2 is of class cup.");
    expect(said(state, { type: "object/move", id: c, to: 0 })).toMatch(/: place 1 of 3\.$/);
    expect(said(state, { type: "object/move", id: a, to: -1 })).toBe("");
    expect(said(state, { type: "object/merge", ids: [a, b] })).toBe("Objects merged.");
    expect(said(state, { type: "object/subtract", ids: [c, a] })).toBe("Taken away from Object 3.");
    const rle = { size: [100, 200] as [number, number], counts: "0PdZ60" };
    const read = [{ name: "", label: "", rle }, { name: "", label: "", rle }]; // prettier-ignore
    expect(said(state, { type: "object/import", objects: read })).toBe("Objects read: 2.");
  });

  it("tells which picture is shown, and when it can be clicked", () => {
    const first = opened();
    const epoch = first.picture?.epoch ?? -1;
    expect(said(first, { type: "picture/open", name: "b.jpg", bytes: 1 })).toBe("b.jpg, picture 2 of 2.");
    const both = run(first, { type: "picture/open", name: "b.jpg", bytes: 1 });
    expect(said(both, { type: "workspace/show", id: epoch })).toMatch(/, picture 1 of 2\.$/);
    expect(said(first, { type: "workspace/show", id: epoch })).toBe("");
    const open = both.picture?.epoch ?? -1;
    expect(said(both, { type: "workspace/remove", id: open })).toMatch(/, picture 1 of 1\.$/);
    expect(said(both, { type: "workspace/remove", id: epoch })).toBe("");
    const drawn = run(
      answered(run(both, point(10, 10))),
      { type: "draft/accept" },
      { type: "workspace/show", id: epoch },
    );
    expect(said(drawn, { type: "workspace/remove", id: epoch })).toMatch(/, picture 1 of 1\.$/); // "accepted" nothing
    const encoding = run(first, { type: "picture/update", epoch, change: { phase: "encoding" } });
    expect(said(encoding, { type: "picture/update", epoch, change: { phase: "ready" } })).toBe("Ready for clicks.");
    expect(said(encoding, { type: "picture/update", epoch, change: { progress: 0.5 } })).toBe("");
  });

  it("tells of tools and of the crosshair, and nothing of the rest", () => {
    const empty = opened();
    expect(said(empty, { type: "tool/choose", tool: "box" })).toBe("Box");
    expect(said(empty, { type: "label/choose", label: 0 })).toBe("A click takes away from the mask");
    const aimed = run(empty, { type: "crosshair/move", dx: 0, dy: 0 });
    expect(said(aimed, { type: "crosshair/hold" })).toBe("Pressed. Arrow keys drag; the same key lets go.");
    expect(said(run(aimed, { type: "crosshair/hold" }), { type: "crosshair/hold" })).toBe("");
    expect(placeText(aimed)).toMatch(/^\d+% from the left, \d+% from the top\.$/);
    for (const type of ["masks/changed", "camera/fit", "history/redo", "draft/cancel"] as const) {
      expect(said(empty, { type }), type).toBe("");
    }
  });
});
