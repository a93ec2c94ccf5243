import type { Edit } from "../geometry/edit";
import { EMPTY_PROMPT } from "../geometry/prompt";
import type { DocumentAction, ImportedObject } from "./actions";
import { pruneSteps } from "./prune-steps";
import { newObject, settle } from "./reduce-draft";
import type { AppState, SegmentedObject, Step } from "./state";
import { EMPTY_DRAFT } from "./state";
import { change, handMade, withStep } from "./steps";
import { withLabel } from "./workspace";

export type ObjectAction = Extract<DocumentAction, { type: `object/${string}` }>;

export function reduceObjects(state: AppState, action: ObjectAction): AppState {
  const doc = state.history.present;
  const map = (ids: readonly number[], to: (object: SegmentedObject) => SegmentedObject): AppState => {
    if (ids.length === 0) return state; // no step of undo that changes nothing
    return change(state, {
      ...doc,
      objects: doc.objects.map((object) => (ids.includes(object.id) ? to(object) : object)),
    });
  };
  switch (action.type) {
    case "object/select":
      return select(state, action.id);
    case "object/rename":
      return map(freeOf(state, [action.id]), (object) => ({ ...object, name: action.name }));
    case "object/label": {
      const { workspace } = state;
      const labels = withLabel(workspace.labels, action.label);
      const labelled = map(freeOf(state, action.ids), (object) => ({ ...object, label: action.label }));
      return { ...labelled, workspace: { ...workspace, labels, label: action.label } };
    }
    case "object/lock":
      return lock(state, action.id);
    case "object/move": {
      const moved = doc.objects.find(({ id }) => id === action.id);
      if (moved === undefined) return state;
      const others = doc.objects.filter((object) => object !== moved);
      const to = Math.min(Math.max(action.to, 0), others.length);
      if (doc.objects[to] === moved) return state;
      return change(state, { ...doc, objects: [...others.slice(0, to), moved, ...others.slice(to)] });
    }
    case "object/duplicate": {
      const at = doc.objects.findIndex(({ id }) => id === action.id);
      const original = doc.objects[at];
      if (original === undefined) return state;
      const { prompt, step, candidate, name, label } = original;
      const copy = { ...newObject(state, { prompt, step, candidate }), name, label };
      const objects = [...doc.objects.slice(0, at + 1), copy, ...doc.objects.slice(at + 1)];
      return change({ ...state, nextId: copy.id + 1 }, { ...doc, objects });
    }
    case "object/delete":
      return remove(state, freeOf(state, action.ids));
    case "object/merge":
      return combine(state, freeOf(state, action.ids), { kind: "join" });
    case "object/subtract":
      return combine(state, action.ids, { kind: "subtract" });
    case "object/import":
      return imported(state, action.objects);
    case "object/toggle": {
      const hidden = state.hidden.includes(action.id)
        ? state.hidden.filter((id) => id !== action.id)
        : [...state.hidden, action.id];
      return { ...state, hidden };
    }
    case "object/mark":
      return { ...state, marked: action.ids };
  }
}

/** Those that may be changed, in the order asked for. */
function freeOf(state: AppState, ids: readonly number[]): number[] {
  const { objects } = state.history.present;
  return ids.filter((id) => objects.some((object) => object.id === id && !object.locked));
}

function lock(state: AppState, id: number): AppState {
  const doc = state.history.present;
  const settled = doc.draft.editing === id ? settle(state, EMPTY_DRAFT) : state;
  const { objects, draft } = settled.history.present;
  const flip = (object: SegmentedObject): SegmentedObject =>
    object.id === id ? { ...object, locked: !object.locked } : object;
  return change(settled, { draft, objects: objects.map(flip) });
}

function remove(state: AppState, ids: readonly number[]): AppState {
  const { objects, draft } = state.history.present;
  if (ids.length === 0) return state;
  const gone = draft.editing !== null && ids.includes(draft.editing);
  const next = { objects: objects.filter(({ id }) => !ids.includes(id)), draft: gone ? EMPTY_DRAFT : draft };
  return { ...change(state, next), marked: state.marked.filter((id) => !ids.includes(id)) };
}

/** One change by hand of the first object by the others. Merging takes them away; what is subtracted stays. */
function combine(state: AppState, ids: readonly number[], edit: Edit): AppState {
  const settled = settle(state, EMPTY_DRAFT);
  const { objects } = settled.history.present;
  const [first, ...others] = ids.flatMap((id) => objects.find((object) => object.id === id) ?? []);
  if (first === undefined || first.locked || others.length === 0) return state;
  const refs = others.map(({ step, candidate }) => ({ step, candidate }));
  const base = { step: first.step, candidate: first.candidate };
  const step = handMade(settled.nextId, first.prompt, edit, base, refs);
  const taken = edit.kind === "join" ? others : [];
  const next = objects
    .filter((object) => !taken.includes(object))
    .map((object) => (object === first ? { ...object, step: step.id, candidate: 0 } : object));
  // The settled draft and the change are one step of undo.
  const history = settled === state ? state.history : { ...settled.history, past: state.history.past };
  const together = { ...withStep(settled, step), history: { ...history, present: state.history.present } };
  return { ...pruneSteps(change(together, { objects: next, draft: EMPTY_DRAFT })), marked: [] };
}

function imported(state: AppState, masks: readonly ImportedObject[]): AppState {
  if (masks.length === 0) return state;
  let next = state;
  let { labels } = state.workspace;
  const added: SegmentedObject[] = [];
  let { colour } = newObject(state, { prompt: EMPTY_PROMPT, step: 0, candidate: 0 });
  for (const { name, label, rle } of masks) {
    const candidates = [{ index: 0, iou: null }];
    const made = handMade(next.nextId, EMPTY_PROMPT, { kind: "set", rle }, null);
    const step: Step = { ...made, status: "done", candidates }; // nothing need be worked out
    next = withStep(next, step);
    labels = withLabel(labels, label);
    const mask = { prompt: EMPTY_PROMPT, step: step.id, candidate: 0 };
    added.push({ ...newObject(next, mask), name, label, colour: colour++ });
    next = { ...next, nextId: next.nextId + 1 };
  }
  const doc = next.history.present;
  const changed = change(next, { ...doc, objects: [...doc.objects, ...added] });
  return { ...changed, workspace: { ...changed.workspace, labels } };
}

function select(state: AppState, id: number | null): AppState {
  const doc = state.history.present;
  if (id === doc.draft.editing) return id === null ? state : settle(state, EMPTY_DRAFT);
  const object = doc.objects.find((candidate) => candidate.id === id);
  if (object === undefined) return settle(state, EMPTY_DRAFT);
  if (object.locked) return state;
  const { prompt, step, candidate } = object;
  const shown = { ...state, marked: [], hidden: state.hidden.filter((other) => other !== id) };
  return settle(shown, { prompt, step, candidate, editing: object.id });
}
