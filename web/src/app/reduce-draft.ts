import type { Edit } from "../geometry/edit";
import { boxAbout, clampToImage } from "../geometry/frames";
import type { Prompt } from "../geometry/prompt";
import { isEmpty, samePrompt } from "../geometry/prompt";
import type { DocumentAction } from "./actions";
import { addClicks, chainOf, clickingOf, clicksNext, replayed } from "./clicking";
import { isIdle, nextColour } from "./draft";
import { replace } from "./history";
import { pruneSteps } from "./prune-steps";
import type { AppState, Draft, MaskRef, SegmentedObject, Step } from "./state";
import { EMPTY_DRAFT } from "./state";
import { change, draftBy, feedbackOf, handMade, isMended, question, regionFor, withStep } from "./steps";

export type DraftAction = Extract<
  DocumentAction,
  { type: `${"point" | "scribble" | "box" | "lasso" | "mask" | "candidate" | "draft"}/${string}` }
>;

export function reduceDraft(state: AppState, action: DraftAction): AppState {
  const doc = state.history.present;
  const { draft } = doc;
  switch (action.type) {
    case "point/add":
      return addPoints(state, [action.at], action.label);
    case "scribble/add":
      return addPoints(state, action.points, action.label);
    case "point/remove": {
      const points = draft.prompt.points.filter((point) => point.id !== action.id);
      return withPoints(state, points);
    }
    case "point/move": {
      const moving = action.done ? null : { id: action.id, at: action.at };
      const shown = { ...state, view: { ...state.view, moving } };
      const { id, at } = action;
      return action.done
        ? withPoints(shown, draft.prompt.points.map((point) => (point.id === id ? { ...point, at } : point)))
        : shown; // prettier-ignore
    }
    case "box/set": {
      const first = draft.prompt.box === null || isMended(state, draft);
      return ask(state, { ...draft.prompt, box: action.box }, first ? feedbackOf(state, draft) : []);
    }
    case "lasso/set":
      return lasso(state, action.ring);
    case "mask/edit":
      return edit(state, action.edit, action.others ?? []);
    case "candidate/choose": {
      const step = draft.step === null ? undefined : state.steps[draft.step];
      if (step?.candidates[action.candidate] === undefined || action.candidate === draft.candidate) return state;
      return change(state, { ...doc, draft: { ...draft, candidate: action.candidate } });
    }
    case "draft/accept":
      return isAcceptable(state, draft) ? settle(state, EMPTY_DRAFT) : state;
    case "draft/cancel":
      return isIdle(draft) ? state : change(state, { ...doc, draft: EMPTY_DRAFT });
    case "draft/renew":
      return renew(state, action.revision);
  }
}

function ask(state: AppState, prompt: Prompt, feedback: readonly MaskRef[]): AppState {
  return draftBy(state, question(state.nextId, prompt, feedback, regionFor(state, prompt)));
}

function addPoints(state: AppState, places: readonly Prompt["points"][number]["at"][], label: 0 | 1): AppState {
  const { draft } = state.history.present;
  const points = places.map((at, i) => ({ id: state.nextId + i, at, label }));
  const numbered = { ...state, nextId: state.nextId + points.length };
  if (clicksNext(state)) return addClicks(numbered, points);
  const prompt = { ...draft.prompt, points: [...draft.prompt.points, ...points] };
  return ask(numbered, prompt, feedbackOf(state, draft));
}

/** The outline is the mask to start from, and the box of what of it lies in the picture says where to look. */
function lasso(state: AppState, ring: Parameters<typeof boxAbout>[0]): AppState {
  const size = state.picture?.size;
  if (size == null) return state;
  const box = boxAbout(ring.map((point) => clampToImage(point, size)));
  if (!(box.x2 - box.x1 >= 1 && box.y2 - box.y1 >= 1)) return state;
  const { draft } = state.history.present;
  const outline = handMade(state.nextId, draft.prompt, { kind: "outline", rings: [ring] }, null);
  const prompt = { ...draft.prompt, box };
  const drawn = withStep(state, outline);
  const feedback = [{ step: outline.id, candidate: 0 }];
  return draftBy(drawn, question(drawn.nextId, prompt, feedback, regionFor(state, prompt)));
}

/** Of the draft's mask; without one a new mask begins. Masks that the model still works on are waited for. */
function edit(state: AppState, wanted: Edit, others: readonly number[]): AppState {
  const { draft, objects } = state.history.present;
  const [base = null] = feedbackOf(state, draft);
  if (base === null && needsMask(wanted)) return state;
  const refs = objects.filter(({ id }) => others.includes(id)).map(({ step, candidate }) => ({ step, candidate }));
  return draftBy(state, handMade(state.nextId, draft.prompt, wanted, base, refs));
}

const needsMask = (wanted: Edit): boolean =>
  wanted.kind === "paint"
    ? wanted.erase
    : ["fill_holes", "remove_islands", "grow", "shrink", "smooth"].includes(wanted.kind);

/**
 * What another model answered is asked of the present one: the same clicks, nothing fed back. A finished object that is
 * only looked at, and a mask mended by hand, stay what they are. To undo this is no change of the document.
 */
function renew(state: AppState, revision: string): AppState {
  const doc = state.history.present;
  const { draft, objects } = doc;
  const answered = draft.step === null ? undefined : state.steps[draft.step];
  if (answered === undefined || answered.status === "waiting" || answered.revision === revision) return state;
  if (isMended(state, draft) || isEmpty(draft.prompt)) return state;
  if (objects.some((object) => object.id === draft.editing && object.step === draft.step)) return state;
  const step = question(state.nextId, draft.prompt, [], regionFor(state, draft.prompt));
  const next = { ...doc, draft: { ...draft, step: step.id, candidate: 0 } };
  return pruneSteps({ ...withStep(state, step), history: replace(state.history, next), hoverShown: false });
}

/**
 * The draft's points are others now. Taking back the newest is what its step was before; any other change is asked afresh,
 * without feedback, except of a mask that was mended by hand: that would be lost. Clicks of the interactive model are
 * made again; in its modes a mask that was mended by hand stays as it is.
 */
function withPoints(state: AppState, points: Prompt["points"]): AppState {
  const doc = state.history.present;
  const { draft } = doc;
  const prompt = { ...draft.prompt, points };
  if (samePrompt(prompt, draft.prompt)) return state;
  const chain = chainOf(state, draft);
  if (chain !== null) return pruneSteps(replayed(state, chain, points));
  const mended = isMended(state, draft);
  const present = draft.step === null ? undefined : state.steps[draft.step];
  const stays = present?.edit != null && clickingOf(state) !== "promptable";
  if (stays || isEmpty(prompt)) {
    const next = mended ? { ...draft, prompt } : { ...EMPTY_DRAFT, editing: draft.editing };
    return change(state, { ...doc, draft: next });
  }
  const known = present?.feedback.find((ref) => {
    const step = state.steps[ref.step];
    // null: still to be asked; an edit is no model's that could have changed
    const ofThisModel = present.revision === null || step?.edit != null || step?.revision === present.revision;
    return step?.status === "done" && ofThisModel && samePrompt(step.prompt, prompt);
  });
  if (known === undefined) return ask(state, prompt, mended ? feedbackOf(state, draft) : []);
  return change(state, { ...doc, draft: { ...draft, prompt, step: known.step, candidate: known.candidate } });
}

/** The draft becomes an object, or mends the one it edits; then `next` is the draft. One step of undo. */
export function settle(state: AppState, next: Draft): AppState {
  const doc = state.history.present;
  const { prompt, step, candidate, editing } = doc.draft;
  if (step === null || !isAcceptable(state, doc.draft)) return change(state, { ...doc, draft: next });
  const kept = exclusively(state, { prompt, step, candidate }, editing);
  if (editing !== null) {
    const objects = doc.objects.map((object) => (object.id === editing ? { ...object, ...kept.mask } : object));
    return change(kept.state, { objects, draft: next });
  }
  const object = newObject(kept.state, kept.mask);
  return change({ ...kept.state, nextId: object.id + 1 }, { objects: [...doc.objects, object], draft: next });
}

type ObjectMask = Pick<SegmentedObject, "prompt" | "step" | "candidate">;

/** By the rule that objects do not overlap, what others hold already is left to them. */
function exclusively(
  state: AppState,
  mask: ObjectMask,
  editing: number | null,
): { readonly state: AppState; readonly mask: ObjectMask } {
  const { objects } = state.history.present;
  const before = objects.find(({ id }) => id === editing);
  const same = before?.step === mask.step && before.candidate === mask.candidate;
  const others = objects.filter(({ id }) => id !== editing);
  if (!state.workspace.exclusive || others.length === 0 || same) return { state, mask };
  const base = { step: mask.step, candidate: mask.candidate };
  const refs = others.map(({ step, candidate }) => ({ step, candidate }));
  const cut: Step = handMade(state.nextId, mask.prompt, { kind: "subtract" }, base, refs);
  return { state: withStep(state, cut), mask: { prompt: mask.prompt, step: cut.id, candidate: 0 } };
}

export function newObject(state: AppState, mask: ObjectMask): SegmentedObject {
  const { label } = state.workspace;
  const colour = nextColour(state.history.present);
  return { id: state.nextId, name: "", label, colour, locked: false, ...mask };
}

/** A click that failed has no mask to keep. */
function isAcceptable(state: AppState, draft: Draft): boolean {
  return draft.step !== null && state.steps[draft.step]?.status !== "failed";
}
