import type { Click } from "../geometry/click-maps";
import type { Prompt, PromptPoint } from "../geometry/prompt";
import { isEmpty, samePrompt } from "../geometry/prompt";
import type { AppState, Draft, MaskRef, Step } from "./state";
import { EMPTY_DRAFT } from "./state";
import { change, draftBy, feedbackOf, handMade, question, regionFor, withStep } from "./steps";

/**
 * Which model answers a click. "refine": the promptable one the first, with its candidates, and the interactive one those
 * that follow, beginning with the mask that is shown.
 */
export const CLICKINGS = ["promptable", "refine", "interactive"] as const;
export type Clicking = (typeof CLICKINGS)[number];

/** How points are answered now: as chosen, where there is an interactive model. */
export function clickingOf({ models, preferences }: Pick<AppState, "models" | "preferences">): Clicking {
  return models.clicks === null ? "promptable" : preferences.clicking;
}

/** Whether the next point is the interactive model's. */
export function clicksNext(state: AppState): boolean {
  const clicking = clickingOf(state);
  const { draft } = state.history.present;
  return clicking === "interactive" || (clicking === "refine" && (draft.step !== null || draft.editing !== null));
}

/** New points for the interactive model, in one go: the last of them is what is answered. */
export function addClicks(state: AppState, prompt: Prompt): AppState {
  const { draft } = state.history.present;
  const [base = null] = feedbackOf(state, draft);
  return draftBy(state, clickStep(state.nextId, prompt, base, isGiven(state, draft)));
}

/** Whether the draft's mask was accepted before the interactive model took it over: only what a click is about may change. */
function isGiven(state: AppState, draft: Draft): boolean {
  const edit = draft.step === null ? null : (state.steps[draft.step]?.edit ?? null);
  if (edit?.kind === "click") return edit.given;
  return edit !== null || draft.editing !== null;
}

function clickStep(id: number, prompt: Prompt, base: MaskRef | null, given: boolean): Step {
  const clicks = prompt.points.map(({ at, label }): Click => ({ point: at, positive: label === 1 }));
  return handMade(id, prompt, { kind: "click", clicks, given }, base);
}

/** The clicks of the interactive model that made the draft's mask, and what they began with. */
interface Chain {
  readonly start: MaskRef | null;
  readonly given: boolean;
}

export function chainOf(state: AppState, draft: Draft): Chain | null {
  let ref: MaskRef | null = draft.step === null ? null : { step: draft.step, candidate: draft.candidate };
  let given: boolean | null = null;
  while (ref !== null) {
    const step: Step | undefined = state.steps[ref.step];
    if (step?.edit?.kind !== "click") break;
    given = step.edit.given;
    ref = step.feedback[0] ?? null;
  }
  return given === null ? null : { start: ref, given };
}

/** The points of a mask that the interactive model made are others now: it is asked again from where it began, click by click. */
export function replayed(state: AppState, { start, given }: Chain, points: readonly PromptPoint[]): AppState {
  const doc = state.history.present;
  const { draft } = doc;
  const first = start === null ? undefined : state.steps[start.step];
  const known = first?.prompt.points ?? [];
  const kept = points.filter(({ id }) => known.some((point) => point.id === id));
  const further = points.filter((point) => !kept.includes(point));
  const prompt: Prompt = { points: kept, box: first?.prompt.box ?? null };
  let [next, base] = [state, start];
  if (start !== null && first !== undefined && !samePrompt(prompt, first.prompt) && first.edit === null) {
    base = null; // what the promptable model was asked first is another question now
    if (!isEmpty(prompt)) {
      const asked = question(state.nextId, prompt, [], regionFor(state, prompt));
      [next, base] = [withStep(state, asked), { step: asked.id, candidate: 0 }];
    }
  }
  let made = prompt;
  for (const point of further.slice(0, -1)) {
    made = { ...made, points: [...made.points, point] };
    const step = clickStep(next.nextId, made, base, given);
    [next, base] = [withStep(next, step), { step: step.id, candidate: 0 }];
  }
  const last = further.at(-1);
  if (last !== undefined) {
    return draftBy(next, clickStep(next.nextId, { ...made, points: [...made.points, last] }, base, given));
  }
  const { editing } = draft;
  const left = base === null ? { ...EMPTY_DRAFT, editing } : { prompt: made, ...base, editing };
  return change(next, { ...doc, draft: left });
}
