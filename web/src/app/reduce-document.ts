import type { Prompt } from "../geometry/prompt";
import { isEmpty, promptSize, samePrompt } from "../geometry/prompt";
import type { DocumentAction } from "./actions";
import { push, redo, replace, undo } from "./history";
import { pruneSteps } from "./prune-steps";
import type { AppState, Doc, Draft, MaskRef, SegmentedObject, Step } from "./state";
import { EMPTY_DRAFT } from "./state";

/** How far back the feedback may reach when newer steps were overtaken before they were decoded. */
const FEEDBACK_DEPTH = 8;

export function reduceDocument(state: AppState, action: DocumentAction): AppState {
  const doc = state.history.present;
  switch (action.type) {
    case "point/add": {
      const point = { id: state.nextId, at: action.at, label: action.label };
      const prompt = { ...doc.draft.prompt, points: [...doc.draft.prompt.points, point] };
      return ask({ ...state, nextId: state.nextId + 1 }, prompt, feedbackOf(state, doc.draft));
    }
    case "box/set": {
      const first = doc.draft.prompt.box === null;
      return ask(state, { ...doc.draft.prompt, box: action.box }, first ? feedbackOf(state, doc.draft) : []);
    }
    case "point/remove":
      return removePoint(state, action.id);
    case "candidate/choose": {
      const step = doc.draft.step === null ? undefined : state.steps[doc.draft.step];
      if (step?.candidates[action.candidate] === undefined || action.candidate === doc.draft.candidate) return state;
      return change(state, { ...doc, draft: { ...doc.draft, candidate: action.candidate } });
    }
    case "draft/accept":
      return isAcceptable(state, doc.draft) ? settle(state, EMPTY_DRAFT) : state;
    case "draft/cancel":
      return doc.draft === EMPTY_DRAFT ? state : change(state, { ...doc, draft: EMPTY_DRAFT });
    case "draft/renew":
      return renew(state, action.revision);
    case "object/select":
      return select(state, action.id);
    case "object/rename":
      return change(state, {
        ...doc,
        objects: doc.objects.map((object) => (object.id === action.id ? { ...object, name: action.name } : object)),
      });
    case "object/delete":
      return change(state, {
        objects: doc.objects.filter((object) => object.id !== action.id),
        draft: doc.draft.editing === action.id ? EMPTY_DRAFT : doc.draft,
      });
    case "object/toggle": {
      const hidden = state.hidden.includes(action.id)
        ? state.hidden.filter((id) => id !== action.id)
        : [...state.hidden, action.id];
      return { ...state, hidden };
    }
    case "history/undo":
      return { ...state, history: undo(state.history), hoverShown: false };
    case "history/redo":
      return { ...state, history: redo(state.history), hoverShown: false };
  }
}

function change(state: AppState, doc: Doc): AppState {
  return { ...state, history: push(state.history, doc), hoverShown: false };
}

function feedbackOf(state: AppState, draft: Draft): readonly MaskRef[] {
  if (draft.step === null) return [];
  const earlier = state.steps[draft.step]?.feedback ?? [];
  return [{ step: draft.step, candidate: draft.candidate }, ...earlier].slice(0, FEEDBACK_DEPTH);
}

/** A new step for the draft. One prompt is ambiguous and gets the candidates, more get the single mask. */
function ask(state: AppState, prompt: Prompt, feedback: readonly MaskRef[]): AppState {
  const doc = state.history.present;
  const step = newStep(state.nextId, prompt, feedback);
  const draft: Draft = { prompt, step: step.id, candidate: 0, editing: doc.draft.editing };
  return pruneSteps(change(withStep(state, step), { ...doc, draft }));
}

function newStep(id: number, prompt: Prompt, feedback: readonly MaskRef[]): Step {
  const multimask = promptSize(prompt) === 1;
  return { id, prompt, multimask, feedback, fedBack: null, status: "waiting", candidates: [], revision: null };
}

function withStep(state: AppState, step: Step): AppState {
  return { ...state, nextId: step.id + 1, steps: { ...state.steps, [step.id]: step } };
}

/**
 * What another model answered is asked of the present one: the same clicks, nothing fed back. A finished object that is
 * only looked at stays what it is. To undo this is no change of the document.
 */
function renew(state: AppState, revision: string): AppState {
  const doc = state.history.present;
  const { draft, objects } = doc;
  const answered = draft.step === null ? undefined : state.steps[draft.step];
  if (answered === undefined || answered.status === "waiting" || answered.revision === revision) return state;
  if (objects.some((object) => object.id === draft.editing && object.step === draft.step)) return state;
  const step = newStep(state.nextId, draft.prompt, []);
  const next = { ...doc, draft: { ...draft, step: step.id, candidate: 0 } };
  return pruneSteps({ ...withStep(state, step), history: replace(state.history, next), hoverShown: false });
}

/** Taking back the newest point is what its step was before; any other removal is asked afresh, without feedback. */
function removePoint(state: AppState, id: number): AppState {
  const doc = state.history.present;
  const prompt = { ...doc.draft.prompt, points: doc.draft.prompt.points.filter((point) => point.id !== id) };
  if (prompt.points.length === doc.draft.prompt.points.length) return state;
  if (isEmpty(prompt)) {
    return change(state, { ...doc, draft: { ...EMPTY_DRAFT, editing: doc.draft.editing } });
  }
  const present = doc.draft.step === null ? undefined : state.steps[doc.draft.step];
  const known = present?.feedback.find((ref) => {
    const step = state.steps[ref.step];
    const ofThisModel = present.revision === null || step?.revision === present.revision; // null: still to be asked
    return step?.status === "done" && ofThisModel && samePrompt(step.prompt, prompt);
  });
  if (known === undefined) return ask(state, prompt, []);
  const draft = { ...doc.draft, prompt, step: known.step, candidate: known.candidate };
  return change(state, { ...doc, draft });
}

/** The draft becomes an object, or mends the one it edits; then `next` is the draft. One step of undo. */
function settle(state: AppState, next: Draft): AppState {
  const doc = state.history.present;
  const { prompt, step, candidate, editing } = doc.draft;
  if (step === null || !isAcceptable(state, doc.draft)) return change(state, { ...doc, draft: next });
  if (editing !== null) {
    const objects = doc.objects.map((object) =>
      object.id === editing ? { ...object, prompt, step, candidate } : object,
    );
    return change(state, { objects, draft: next });
  }
  const object: SegmentedObject = { id: state.nextId, name: "", colour: nextColour(doc), prompt, step, candidate };
  return change({ ...state, nextId: state.nextId + 1 }, { objects: [...doc.objects, object], draft: next });
}

/** A click that failed has no mask to keep. */
function isAcceptable(state: AppState, draft: Draft): boolean {
  return draft.step !== null && state.steps[draft.step]?.status !== "failed";
}

function select(state: AppState, id: number | null): AppState {
  const doc = state.history.present;
  if (id === doc.draft.editing) return id === null ? state : settle(state, EMPTY_DRAFT);
  const object = doc.objects.find((candidate) => candidate.id === id);
  if (object === undefined) return settle(state, EMPTY_DRAFT);
  const { prompt, step, candidate } = object;
  const shown = { ...state, hidden: state.hidden.filter((other) => other !== id) };
  return settle(shown, { prompt, step, candidate, editing: object.id });
}

/** Colours are numbered; the interface decides how a number looks. */
export function nextColour(doc: Doc): number {
  return doc.objects.reduce((highest, object) => Math.max(highest, object.colour), -1) + 1;
}
