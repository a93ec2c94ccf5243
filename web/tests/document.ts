import type { Action } from "../src/app/actions";
import { reduce } from "../src/app/reducer";
import { draftOf } from "../src/app/selectors";
import type { AppState } from "../src/app/state";
import { INITIAL_STATE } from "../src/app/state";
import { imagePoint } from "../src/geometry/frames";

/** Actions and states of a document, for the tests of the reducer. */
export const point = (x: number, y: number, label: 0 | 1 = 1): Action => ({
  type: "point/add",
  at: imagePoint(x, y),
  label,
});
export const run = (state: AppState, ...actions: Action[]): AppState => actions.reduce(reduce, state);

export function opened(): AppState {
  const state = run(INITIAL_STATE, { type: "picture/open", name: "cat.jpg", bytes: 1 });
  const epoch = state.picture?.epoch ?? 0;
  return run(state, { type: "picture/update", epoch, change: { size: { width: 100, height: 80 }, phase: "ready" } });
}

/** Answers the draft's step with as many candidates as it asked for. */
export function answered(state: AppState, revision = "aaaa"): AppState {
  const id = draftOf(state).step ?? -1;
  const step = state.steps[id];
  const candidates = (step?.multimask ? [2, 1, 3] : [0]).map((index, i) => ({ index, iou: 0.9 - i / 10 }));
  const fedBack = step?.feedback[0] ?? null;
  return run(state, { type: "step/decoded", step: id, candidates, fedBack, revision, ms: 12 });
}

/** Two accepted objects. */
export function two(): AppState {
  const one = run(answered(run(opened(), point(10, 10))), { type: "draft/accept" });
  return run(answered(run(one, point(50, 50))), { type: "draft/accept" });
}
