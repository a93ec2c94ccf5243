import { describe, expect, it } from "vitest";

import type { Action } from "../src/app/actions";
import { docOf, objectsOf } from "../src/app/selectors";
import type { AppState, SegmentedObject, Step } from "../src/app/state";
import { imagePoint } from "../src/geometry/frames";
import { answered, opened, point, run } from "./document";

/** A picture with so many accepted objects. */
function withObjects(count: number): AppState {
  let state = opened();
  for (let i = 0; i < count; i++) state = run(answered(run(state, point(10 + 20 * i, 10))), { type: "draft/accept" });
  return state;
}
const ids = (state: AppState): number[] => objectsOf(state).map(({ id }) => id);
const only = (state: AppState, at: number): SegmentedObject => {
  const object = objectsOf(state)[at];
  if (object === undefined) throw new Error(`There is no object ${at}.`);
  return object;
};
const stepOf = (state: AppState, at: number): Step | undefined => state.steps[only(state, at).step];
const refOf = ({ step, candidate }: SegmentedObject): object => ({ step, candidate });

describe("objects in the list", () => {
  it("are moved, and no further than the ends", () => {
    const state = withObjects(3);
    const [a = -1, b = -1, c = -1] = ids(state);
    expect(ids(run(state, { type: "object/move", id: c, to: 0 }))).toEqual([c, a, b]);
    expect(ids(run(state, { type: "object/move", id: a, to: 9 }))).toEqual([b, c, a]);
    expect(run(state, { type: "object/move", id: a, to: -3 })).toBe(state);
    expect(ids(run(state, { type: "object/move", id: c, to: 0 }, { type: "history/undo" }))).toEqual([a, b, c]);
  });

  it("lose what others hold, which stay", () => {
    const state = withObjects(3);
    const [a = -1, b = -1, c = -1] = ids(state);
    const next = run(state, { type: "object/subtract", ids: [a, b, c] });
    expect(ids(next)).toEqual([a, b, c]);
    expect(stepOf(next, 0)).toMatchObject({
      edit: { kind: "subtract" },
      feedback: [refOf(only(state, 0))],
      others: [only(state, 1), only(state, 2)].map(refOf),
    });
    expect(only(next, 1)).toBe(only(state, 1));
    expect(docOf(run(next, { type: "history/undo" }))).toEqual(docOf(state));
  });

  it("are joined into the first; a locked one is neither joined nor cut", () => {
    const state = withObjects(3);
    const [a = -1, b = -1, c = -1] = ids(state);
    const joined = run(state, { type: "object/merge", ids: [a, c] });
    expect(ids(joined)).toEqual([a, b]);
    expect(stepOf(joined, 0)).toMatchObject({ edit: { kind: "join" }, others: [refOf(only(state, 2))] });
    const locked = run(state, { type: "object/lock", id: a });
    expect(run(locked, { type: "object/merge", ids: [a, b] })).toBe(locked);
    expect(run(locked, { type: "object/subtract", ids: [a, b] })).toBe(locked);
  });

  it("that are locked keep their mask, name and class, without an empty step of undo", () => {
    const state = run(withObjects(1), { type: "object/lock", id: ids(withObjects(1))[0] ?? -1 });
    const [a = -1] = ids(state);
    expect(run(state, { type: "object/rename", id: a, name: "b" })).toBe(state);
    expect(run(state, { type: "object/delete", ids: [a] })).toBe(state);
    expect(run(state, { type: "object/select", id: a })).toBe(state);
    expect(run(state, { type: "object/label", ids: [a], label: "cup" }).history).toBe(state.history);
  });

  it("are duplicated beside themselves", () => {
    const state = run(withObjects(2), { type: "object/rename", id: ids(withObjects(2))[0] ?? -1, name: "pot" });
    const [a = -1, b = -1] = ids(state);
    const next = run(state, { type: "object/duplicate", id: a });
    expect(ids(next)).toEqual([a, state.nextId, b]);
    expect(only(next, 1)).toMatchObject({ name: "pot", ...refOf(only(state, 0)) });
    expect(only(next, 1).colour).not.toBe(only(state, 0).colour);
  });
});

describe("new objects that leave others' pixels alone", () => {
  it("are cut by all others when they are accepted, and the others stay", () => {
    const two = run(withObjects(2), { type: "workspace/exclusive", exclusive: true });
    const asked = answered(run(two, point(50, 50)));
    const next = run(asked, { type: "draft/accept" });
    expect(stepOf(next, 2)).toMatchObject({
      edit: { kind: "subtract" },
      feedback: [{ step: docOf(asked).draft.step, candidate: 0 }],
      others: [only(two, 0), only(two, 1)].map(refOf),
    });
    expect(objectsOf(next).slice(0, 2)).toEqual(objectsOf(two));
    expect(docOf(run(next, { type: "history/undo" }))).toEqual(docOf(asked)); // one step
  });

  it("are left whole without others, and without the rule", () => {
    const rule = run(opened(), { type: "workspace/exclusive", exclusive: true });
    const first = run(answered(run(rule, point(10, 10))), { type: "draft/accept" });
    expect(stepOf(first, 0)?.edit ?? null).toBeNull();
    const without = run(first, { type: "workspace/exclusive", exclusive: false });
    const second = run(answered(run(without, point(30, 10))), { type: "draft/accept" });
    expect(stepOf(second, 1)?.edit ?? null).toBeNull();
  });

  it("are not cut again when they are looked at and left as they were", () => {
    const two = run(withObjects(2), { type: "workspace/exclusive", exclusive: true });
    const [a = -1] = ids(two);
    const looked = run(two, { type: "object/select", id: a }, { type: "object/select", id: null });
    expect(objectsOf(looked)).toEqual(objectsOf(two));
  });

  it("are cut when another candidate is chosen of them", () => {
    const two = run(withObjects(2), { type: "workspace/exclusive", exclusive: true });
    const [a = -1] = ids(two);
    const chosen = run(two, { type: "object/select", id: a }, { type: "candidate/choose", candidate: 1 });
    const next = run(chosen, { type: "draft/accept" });
    expect(stepOf(next, 0)).toMatchObject({
      edit: { kind: "subtract" },
      feedback: [{ step: only(two, 0).step, candidate: 1 }],
      others: [refOf(only(two, 1))],
    });
  });
});

describe("a lasso", () => {
  const lasso = (...corners: [x: number, y: number][]): Action => ({
    type: "lasso/set",
    ring: corners.map(([x, y]) => imagePoint(x, y)),
  });

  it("over the picture's edge has a box inside it, and the outline that was drawn", () => {
    const drawn = lasso([60, 40], [140, 30], [130, 200]);
    const state = run(opened(), drawn);
    const { step, prompt } = docOf(state).draft;
    expect(prompt.box).toEqual({ x1: 60, y1: 30, x2: 100, y2: 80 });
    const outline = state.steps[state.steps[step ?? -1]?.feedback[0]?.step ?? -1];
    expect(outline?.edit).toMatchObject({ rings: [(drawn as { ring: object }).ring] });
  });

  it("beside the picture, or of less than a pixel in it, is none", () => {
    const state = opened();
    expect(run(state, lasso([120, 10], [150, 10], [150, 50]))).toBe(state);
    expect(run(state, lasso([99.5, 10], [150, 10], [150, 50]))).toBe(state);
    expect(run(state, lasso([10, 10], [10.5, 10], [10, 10.5]))).toBe(state);
  });
});

describe("what is erased", () => {
  const stroke = { path: [imagePoint(5, 5)], radius: 3 };
  const paint = (erase: boolean): Action => ({ type: "mask/edit", edit: { kind: "paint", stroke, erase } });

  it("is of a mask: without one nothing begins, and Enter makes no empty object", () => {
    const state = opened();
    expect(run(state, paint(true))).toBe(state);
    expect(objectsOf(run(state, paint(true), { type: "draft/accept" }))).toEqual([]);
    expect(docOf(run(state, paint(false))).draft.step).not.toBeNull();
    const asked = run(state, point(10, 10));
    expect(run(asked, paint(true))).not.toBe(asked);
  });
});
