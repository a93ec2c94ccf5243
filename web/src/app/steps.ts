import type { Edit } from "../geometry/edit";
import type { ImageBox } from "../geometry/frames";
import type { Rectangle } from "../geometry/mask";
import type { Prompt } from "../geometry/prompt";
import { promptSize } from "../geometry/prompt";
import { push } from "./history";
import { pruneSteps } from "./prune-steps";
import type { AppState, Doc, Draft, MaskRef, Step } from "./state";

/** How far back the feedback may reach when newer steps were overtaken before they were decoded. */
export const FEEDBACK_DEPTH = 8;

export function change(state: AppState, doc: Doc): AppState {
  return { ...state, history: push(state.history, doc), hoverShown: false };
}

/** The masks that a further question about the draft may feed back. */
export function feedbackOf(state: AppState, draft: Draft): readonly MaskRef[] {
  if (draft.step === null) return [];
  const step = state.steps[draft.step];
  const present = { step: draft.step, candidate: draft.candidate };
  // A mask that was mended by hand stands for all before it.
  return step?.edit == null ? [present, ...(step?.feedback ?? [])].slice(0, FEEDBACK_DEPTH) : [present];
}

/** A question to the model. One prompt is ambiguous and gets the candidates; more, or a mask to go on from, get the single mask. */
export function question(
  id: number,
  prompt: Prompt,
  feedback: readonly MaskRef[],
  region: Rectangle | null,
  multimask = promptSize(prompt) === 1 && feedback.length === 0,
): Step {
  return { ...UNANSWERED, id, prompt, multimask, feedback, region };
}

/** A change by hand or by an interactive model, of `base` or of nothing. */
export function handMade(
  id: number,
  prompt: Prompt,
  edit: Edit,
  base: MaskRef | null,
  others: readonly MaskRef[] = [],
): Step {
  return { ...UNANSWERED, id, prompt, edit, others, feedback: base === null ? [] : [base] };
}

const UNANSWERED = {
  multimask: false,
  region: null,
  edit: null,
  others: [],
  feedback: [],
  fedBack: null,
  status: "waiting",
  candidates: [],
  revision: null,
} as const;

export function withStep(state: AppState, step: Step): AppState {
  return { ...state, nextId: step.id + 1, steps: { ...state.steps, [step.id]: step } };
}

/** A new step for the draft, as one change that undo knows. */
export function draftBy(state: AppState, step: Step): AppState {
  const doc = state.history.present;
  const draft: Draft = { prompt: step.prompt, step: step.id, candidate: 0, editing: doc.draft.editing };
  return pruneSteps(change(withStep(state, step), { ...doc, draft }));
}

/** The part of the picture that answers a prompt: the one that was encoded by itself where the whole prompt lies in it. */
export function regionFor(state: AppState, prompt: Prompt): Rectangle | null {
  const region = state.picture?.region ?? null;
  if (region === null) return null;
  const holds = (x: number, y: number): boolean =>
    x >= region.x && y >= region.y && x <= region.x + region.width && y <= region.y + region.height;
  const holdsBox = ({ x1, y1, x2, y2 }: ImageBox): boolean => holds(x1, y1) && holds(x2, y2);
  const inside = prompt.points.every(({ at }) => holds(at.x, at.y)) && (prompt.box === null || holdsBox(prompt.box));
  return inside ? region : null;
}

/** A change by hand, or by an interactive model, somewhere between the draft's mask and the model's last answer. */
export function isMended(state: AppState, draft: Draft): boolean {
  let step = draft.step === null ? undefined : state.steps[draft.step];
  for (let depth = 0; step !== undefined && depth < FEEDBACK_DEPTH * 4; depth++) {
    if (step.edit !== null) return true;
    const [before] = step.feedback;
    step = before === undefined ? undefined : state.steps[before.step];
  }
  return false;
}
