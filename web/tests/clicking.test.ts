import { describe, expect, it } from "vitest";

import type { Clicking } from "../src/app/clicking";
import { clickingOf } from "../src/app/clicking";
import { docOf, draftMask, draftOf, objectsOf } from "../src/app/selectors";
import type { AppState, Step } from "../src/app/state";
import { imagePoint } from "../src/geometry/frames";
import { answered, opened, point, run } from "./document";

const MODEL = { id: "clicks", revision: "c1", title: "Clicks", license: "Apache-2.0", bytes: 10 };

function begun(clicking: Clicking): AppState {
  return run(
    opened(),
    { type: "models/update", change: { clicks: MODEL } },
    { type: "preferences/clicking", clicking },
  );
}

const draftStepOf = (state: AppState): Step => {
  const step = state.steps[draftOf(state).step ?? -1];
  if (step === undefined) throw new Error("There is no step.");
  return step;
};

/** What the interactive model is asked: "x,y" of each click in order with + or -, and whether its mask was given. */
function asked({ edit }: Step): { clicks: string[]; given: boolean } | null {
  if (edit?.kind !== "click") return null;
  const clicks = edit.clicks.map(({ point: at, positive }) => `${at.x},${at.y}${positive ? "+" : "-"}`);
  return { clicks, given: edit.given };
}

const click = (state: AppState, x: number, y: number, label: 0 | 1 = 1): AppState =>
  answered(run(state, point(x, y, label)), "m1");
const paint = (state: AppState): AppState =>
  answered(
    run(state, {
      type: "mask/edit",
      edit: { kind: "paint", stroke: { path: [imagePoint(5, 5)], radius: 3 }, erase: false },
    }),
    "m1",
  );
const idOf = (state: AppState, n: number): number => draftOf(state).prompt.points[n]?.id ?? -1;

it("a click is averaged with the mirror image where that was chosen, and so when it is made again", () => {
  const flips = (state: AppState): boolean[] =>
    Object.values(state.steps).flatMap(({ edit }) => (edit?.kind === "click" ? [edit.flip] : []));
  const careful = click(run(begun("interactive"), { type: "preferences/flip", flip: true }), 10, 10);
  const fast = click(run(careful, { type: "preferences/flip", flip: false }), 20, 20);
  expect(flips(fast)).toEqual([true, false]);
  const moved = run(fast, { type: "point/move", id: idOf(fast, 0), at: imagePoint(12, 12), done: true });
  expect(flips(moved).slice(-2)).toEqual([true, false]);
  expect(flips(moved)).toHaveLength(4);
});

it("a mask of the interactive model comes back when a promptable point on it is taken away", () => {
  const first = click(begun("interactive"), 10, 10);
  const second = click(run(first, { type: "preferences/clicking", clicking: "promptable" }), 20, 20);
  expect(draftStepOf(second).edit).toBeNull();
  const back = run(second, { type: "point/remove", id: idOf(second, 1) });
  expect(draftOf(back).step).toBe(draftOf(first).step);
});

describe("who answers a click", () => {
  it("is the promptable model where the server has no other, whatever was chosen", () => {
    const state = run(opened(), { type: "preferences/clicking", clicking: "interactive" });
    expect(clickingOf(state)).toBe("promptable");
    expect(draftStepOf(click(state, 10, 10)).edit).toBeNull();
  });

  it("is the promptable one alone, it first, or the interactive one alone", () => {
    const kinds = (["promptable", "refine", "interactive"] as const).map((clicking) => {
      const first = click(begun(clicking), 10, 10);
      return [draftStepOf(first), draftStepOf(click(first, 20, 20))].map(({ edit }) => edit?.kind ?? "question");
    });
    expect(kinds).toEqual([
      ["question", "question"],
      ["question", "click"],
      ["click", "click"],
    ]);
  });

  it("is the interactive one for a mask that was painted, imported or accepted, from the first click on", () => {
    const painted = draftStepOf(click(paint(begun("refine")), 10, 10));
    expect(asked(painted)).toEqual({ clicks: ["10,10+"], given: true });

    const rle = { size: [80, 100] as const, counts: "PP1" };
    const file = run(begun("refine"), { type: "object/import", objects: [{ name: "a", label: "", rle }] });
    const imported = run(file, { type: "object/select", id: objectsOf(file)[0]?.id ?? -1 });
    expect(asked(draftStepOf(click(imported, 10, 10)))).toEqual({ clicks: ["10,10+"], given: true });

    const object = run(click(begun("refine"), 10, 10), { type: "draft/accept" });
    const accepted = run(object, { type: "object/select", id: objectsOf(object)[0]?.id ?? -1 });
    const once = click(accepted, 30, 30, 0);
    expect(asked(draftStepOf(once))).toEqual({ clicks: ["30,30-"], given: true });
    expect(asked(draftStepOf(click(once, 40, 40)))).toEqual({ clicks: ["30,30-", "40,40+"], given: true });
  });
});

describe("what the interactive model is asked", () => {
  it("has every click in order, and the mask before the last one", () => {
    const first = click(begun("interactive"), 10, 10);
    const second = click(first, 20, 20, 0);
    expect(asked(draftStepOf(first))).toEqual({ clicks: ["10,10+"], given: false });
    expect(draftStepOf(first).feedback).toEqual([]);
    expect(asked(draftStepOf(second))).toEqual({ clicks: ["10,10+", "20,20-"], given: false });
    expect(draftStepOf(second).feedback[0]).toEqual({ step: draftOf(first).step, candidate: 0 });
  });

  it("goes on from the candidate that was chosen, and knows the clicks that made it", () => {
    const first = run(click(begun("refine"), 10, 10), { type: "candidate/choose", candidate: 2 });
    const second = draftStepOf(click(first, 20, 20));
    expect(second.feedback[0]).toEqual({ step: draftOf(first).step, candidate: 2 });
    expect(asked(second)).toEqual({ clicks: ["10,10+", "20,20+"], given: false });
  });

  it("has the clicks since a change by hand alone, for what came before may not hold any more", () => {
    const mended = paint(click(begun("interactive"), 10, 10));
    expect(asked(draftStepOf(click(mended, 20, 20)))).toEqual({ clicks: ["20,20+"], given: true });
  });

  it("counts an accepted mask of its own as given too", () => {
    const object = run(click(begun("interactive"), 10, 10), { type: "draft/accept" });
    const selected = run(object, { type: "object/select", id: objectsOf(object)[0]?.id ?? -1 });
    expect(asked(draftStepOf(click(selected, 20, 20)))).toEqual({ clicks: ["20,20+"], given: true });
  });

  it("shows the newest mask that is there while clicks wait in a row", () => {
    const first = click(begun("interactive"), 10, 10);
    const hurried = run(first, point(20, 20), point(30, 30), point(40, 40));
    expect(draftMask(hurried)).toEqual({ step: draftOf(first).step, candidate: 0 });
  });

  it("survives another promptable model", () => {
    const state = click(click(begun("refine"), 10, 10), 20, 20);
    expect(draftOf(run(state, { type: "draft/renew", revision: "other" })).step).toBe(draftOf(state).step);
  });
});

describe("a point that moves or goes", () => {
  const three = (clicking: Clicking): AppState => click(click(click(begun(clicking), 10, 10), 20, 20), 30, 30, 0);

  it("leaves what was before, when it is the newest", () => {
    const two = click(click(begun("interactive"), 10, 10), 20, 20);
    const back = run(click(two, 30, 30), { type: "point/remove", id: idOf(click(two, 30, 30), 2) });
    expect(draftOf(back).step).toBe(draftOf(two).step);
  });

  it("has the clicks from it on made again in their order, and those before kept", () => {
    const state = three("interactive");
    const [first] = draftStepOf(state).feedback.slice(-1);
    const moved = run(state, { type: "point/move", id: idOf(state, 1), at: imagePoint(25, 25), done: true });
    const last = draftStepOf(moved);
    expect(asked(last)).toEqual({ clicks: ["10,10+", "25,25+", "30,30-"], given: false });
    const middle = moved.steps[last.feedback[0]?.step ?? -1];
    expect(middle && asked(middle)).toEqual({ clicks: ["10,10+", "25,25+"], given: false });
    expect(middle?.feedback[0]).toEqual(first);
    expect(run(moved, { type: "history/undo" }).history.present).toBe(state.history.present);
  });

  it("starts from nothing again when it was the first", () => {
    const state = three("interactive");
    const rest = run(state, { type: "point/remove", id: idOf(state, 0) });
    const last = draftStepOf(rest);
    expect(asked(last)).toEqual({ clicks: ["20,20+", "30,30-"], given: false });
    expect(rest.steps[last.feedback[0]?.step ?? -1]?.feedback).toEqual([]);
    expect(draftOf(rest).prompt.points).toHaveLength(2);
  });

  it("asks the promptable model again where that one began", () => {
    const state = three("refine");
    const moved = run(state, { type: "point/move", id: idOf(state, 0), at: imagePoint(12, 12), done: true });
    const last = draftStepOf(moved);
    expect(asked(last)?.clicks).toEqual(["12,12+", "20,20+", "30,30-"]);
    const middle = moved.steps[last.feedback[0]?.step ?? -1];
    const first = moved.steps[middle?.feedback[0]?.step ?? -1];
    expect(first).toMatchObject({ edit: null, multimask: true, status: "waiting" });
    expect(first?.prompt.points.map(({ at }) => at.x)).toEqual([12]);
  });

  it("goes back to the mask that was accepted when the last click on it goes", () => {
    const object = run(click(begun("interactive"), 10, 10), { type: "draft/accept" });
    const selected = run(object, { type: "object/select", id: objectsOf(object)[0]?.id ?? -1 });
    const further = click(selected, 20, 20);
    const back = run(further, { type: "point/remove", id: idOf(further, 1) });
    expect(draftOf(back)).toEqual(draftOf(selected));
  });

  it("changes no mask when it was made before a change by hand", () => {
    const state = click(paint(click(begun("interactive"), 10, 10)), 20, 20);
    const gone = run(state, { type: "point/remove", id: idOf(state, 0) });
    expect(draftOf(gone).step).toBe(draftOf(state).step);
    expect(draftOf(gone).prompt.points).toHaveLength(1);
  });

  it.each(["refine", "interactive"] as const)("leaves a mask that was mended by hand what it is: %s", (clicking) => {
    const state = paint(click(click(begun(clicking), 10, 10), 20, 20));
    const moving = { type: "point/move", id: idOf(state, 0), at: imagePoint(12, 12), done: true } as const;
    const moved = run(state, moving);
    expect(draftOf(moved)).toEqual({ ...draftOf(state), prompt: draftOf(moved).prompt });
    expect(draftOf(moved).prompt.points.map(({ at }) => at.x)).toEqual([12, 20]);
    const back = run(moved, { ...moving, at: imagePoint(10, 10) });
    expect(draftOf(back)).toEqual(draftOf(state));
    expect(draftOf(run(state, { type: "point/remove", id: idOf(state, 1) })).step).toBe(draftOf(state).step);
    expect(docOf(run(moved, { type: "history/undo" }))).toBe(docOf(state));
    const asked = run(state, { type: "preferences/clicking", clicking: "promptable" }, moving);
    expect(draftStepOf(asked)).toMatchObject({ edit: null, feedback: [{ step: draftOf(state).step, candidate: 0 }] });
  });
});

describe("undo", () => {
  it("goes back over each click to the step that was, and forward again", () => {
    const states = [begun("interactive")];
    for (const x of [10, 20, 30]) states.push(click(states.at(-1) ?? opened(), x, x));
    let state = states.at(-1) ?? opened();
    for (const before of states.slice(0, -1).reverse()) {
      state = run(state, { type: "history/undo" });
      expect(docOf(state)).toBe(docOf(before));
    }
    for (const after of states.slice(1)) {
      state = run(state, { type: "history/redo" });
      expect(docOf(state)).toBe(docOf(after));
    }
  });
});

describe("an interactive model that does not run", () => {
  it("leaves what it made, and what waits for it is asked of the promptable one", () => {
    const first = click(begun("interactive"), 10, 10);
    const waiting = run(first, point(20, 20));
    const left = run(waiting, { type: "models/update", change: { clicks: null } }, { type: "steps/promptable" });
    expect(left.steps[draftOf(first).step ?? -1]).toBe(first.steps[draftOf(first).step ?? -1]);
    expect(draftStepOf(left)).toMatchObject({ id: draftOf(waiting).step, edit: null, status: "waiting" });
    expect(draftStepOf(left).feedback[0]).toEqual({ step: draftOf(first).step, candidate: 0 });
    expect(draftStepOf(click(left, 30, 30)).edit).toBeNull();
  });
});
