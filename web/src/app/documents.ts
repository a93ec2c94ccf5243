import type { ImportedObject } from "./actions";
import { reduceObjects } from "./reduce-objects";
import { NEW_DOCUMENT } from "./reduce-workspace";
import type { AppState } from "./state";
import { documentOf } from "./workspace";

/** Objects from a file become a picture's, whether it is open or not; one step of its undo. */
export function importInto(state: AppState, id: number, objects: readonly ImportedObject[]): AppState {
  const action = { type: "object/import", objects } as const;
  if (state.picture?.epoch === id) return reduceObjects(state, action);
  const kept = state.workspace.parked[id] ?? NEW_DOCUMENT;
  const { history, steps, hidden } = kept;
  const inside = reduceObjects({ ...state, history, steps, hidden }, action);
  const parked = { ...state.workspace.parked, [id]: { ...documentOf(inside), camera: kept.camera } };
  return { ...state, nextId: inside.nextId, workspace: { ...inside.workspace, parked } };
}
