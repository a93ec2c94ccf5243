import type { Click } from "../geometry/click-maps";
import type { PromptPoint } from "../geometry/prompt";
import { isEmpty, promptSize } from "../geometry/prompt";
import type { AppState, Draft, MaskRef, Step } from "./state";
import { EMPTY_DRAFT } from "./state";
import { change, draftBy, FEEDBACK_DEPTH, handMade, isMended, question, regionFor, withStep } from "./steps";

/**
 * Which model answers a click. "refine": the promptable one the first, with its candidates, and the interactive one those
 * that follow, beginning with the mask that is shown.
 */
export const CLICKINGS = ["promptable", "refine", "interactive"] as const;
export type Clicking = (typeof CLICKINGS)[number];

/** In the mode `refine` so many clicks (a box is one) are the promptable model's. */
const REFINE_AFTER = 1;

/** How points are answered now: as chosen, where there is an interactive model. */
export function clickingOf({ models, preferences }: Pick<AppState, "models" | "preferences">): Clicking {
  return models.clicks === null ? "promptable" : preferences.clicking;
}

/** Whether the next point is the interactive model's. A mask that somebody made or accepted is from the first one on. */
export function clicksNext(state: AppState): boolean {
  const { draft } = state.history.present;
  switch (clickingOf(state)) {
    case "promptable":
      return false;
    case "interactive":
      return true;
    case "refine":
      return promptSize(draft.prompt) >= REFINE_AFTER || isMended(state, draft) || isAccepted(state, draft);
  }
}

/** The draft's mask is an object's, as it was accepted. */
function isAccepted({ history }: AppState, { editing, step, candidate }: Draft): boolean {
  const object = history.present.objects.find(({ id }) => id === editing);
  return object?.step === step && object.candidate === candidate;
}

/** New points for the interactive model, one after the other. To undo they are one change. */
export function addClicks(state: AppState, points: readonly PromptPoint[]): AppState {
  const { draft } = state.history.present;
  const before = draft.step === null ? undefined : state.steps[draft.step];
  const accepted = isAccepted(state, draft);
  const mended = before?.edit != null && before.edit.kind !== "click";
  const given = accepted || mended || (before?.edit?.kind === "click" && before.edit.given);
  // It knows the clicks since a mask that somebody made or accepted; those of a model's own mask all.
  const known = before?.edit?.kind === "click" ? before.edit.clicks.length : draft.prompt.points.length;
  const seen = accepted || mended ? 0 : known;
  const all = [...draft.prompt.points, ...points];
  const { flip } = state.preferences;
  const old = all.length - points.length;
  let next = state;
  let base = draft.step === null ? null : { step: draft.step, candidate: draft.candidate };
  points.slice(0, -1).forEach((_, i) => {
    const step = clickStep(next, all.slice(0, old + i + 1), { count: seen + i + 1, given, flip }, base);
    [next, base] = [withStep(next, step), { step: step.id, candidate: 0 }];
  });
  return draftBy(next, clickStep(next, all, { count: seen + points.length, given, flip }, base));
}

/** How the interactive model is asked: the last `count` of the points are its clicks. */
interface Asking {
  readonly count: number;
  readonly given: boolean;
  readonly flip: boolean;
}

/** Points, asked of `base`. The masks before it are named too, to be shown while newer ones wait. */
function clickStep(
  state: AppState,
  points: readonly PromptPoint[],
  { count, given, flip }: Asking,
  base: MaskRef | null,
): Step {
  const { box } = state.history.present.draft.prompt;
  const clicks = points.slice(-count).map(({ at, label }): Click => ({ point: at, positive: label === 1 }));
  const step = handMade(state.nextId, { points, box }, { kind: "click", clicks, given, flip }, base);
  const before = base === null ? undefined : state.steps[base.step];
  const further = before?.edit == null || before.edit.kind === "click" ? (before?.feedback ?? []) : [];
  return { ...step, feedback: [...step.feedback, ...further].slice(0, FEEDBACK_DEPTH) };
}

/** Clicks of the interactive model that made the draft's mask, one after the other. */
export interface Chain {
  /** The mask that they began with. */
  readonly start: MaskRef | null;
  readonly given: boolean;
  /** Points that made that mask, where they count as clicks. */
  readonly earlier: readonly PromptPoint[];
  /** Oldest first; the last point of each one's prompt is its click. */
  readonly steps: readonly Step[];
}

/** null where the interactive model has not made the draft's mask. */
export function chainOf({ steps }: AppState, { step: last }: Draft): Chain | null {
  const made: Step[] = [];
  let start: MaskRef | null = null;
  let step = last === null ? undefined : steps[last];
  while (step?.edit?.kind === "click") {
    made.unshift(step);
    start = step.feedback[0] ?? null;
    const before: Step | undefined = start === null ? undefined : steps[start.step];
    const goesOn = before?.edit?.kind === "click" && before.edit.clicks.length === step.edit.clicks.length - 1;
    step = goesOn ? before : undefined;
  }
  const [first] = made;
  if (first?.edit?.kind !== "click") return null;
  const earlier = first.prompt.points.slice(-first.edit.clicks.length, -1);
  return { start, given: first.edit.given, earlier, steps: made };
}

const same = (a: PromptPoint | undefined, b: PromptPoint | undefined): boolean =>
  a?.id === b?.id && a?.at.x === b?.at.x && a?.at.y === b?.at.y;

/**
 * The points of a mask that the interactive model made are others now: its clicks are made again in their order, from the
 * first that differs on. Points from before a mask that was given change nothing.
 */
export function replayed(state: AppState, chain: Chain, points: readonly PromptPoint[]): AppState {
  const doc = state.history.present;
  const { draft } = doc;
  const lastOf = (step: Step): PromptPoint | undefined => step.prompt.points.at(-1);
  const now = new Map(points.map((point) => [point.id, point]));
  const own = new Set([...chain.earlier, ...chain.steps.flatMap((step) => lastOf(step) ?? [])].map(({ id }) => id));
  const others = points.filter(({ id }) => !own.has(id));
  const made = chain.earlier.flatMap(({ id }) => now.get(id) ?? []);
  let unchanged = made.length === chain.earlier.length && made.every((point, i) => same(point, chain.earlier[i]));
  let [next, base] = [state, chain.start];
  if (!unchanged) {
    const prompt = { points: [...others, ...made], box: draft.prompt.box };
    base = null;
    if (!isEmpty(prompt)) {
      const asked = question(next.nextId, prompt, [], regionFor(next, prompt));
      [next, base] = [withStep(next, asked), { step: asked.id, candidate: 0 }];
    }
  }
  for (const step of chain.steps) {
    const before = lastOf(step);
    const point = before === undefined ? undefined : now.get(before.id);
    unchanged &&= same(point, before);
    if (point === undefined) continue;
    made.push(point);
    const flip = step.edit?.kind === "click" && step.edit.flip;
    const asking = { count: made.length, given: chain.given, flip };
    const again = unchanged ? step : clickStep(next, [...others, ...made], asking, base);
    if (!unchanged) next = withStep(next, again);
    base = { step: again.id, candidate: 0 };
  }
  const { editing } = draft;
  const left = base === null ? EMPTY_DRAFT : { prompt: { ...draft.prompt, points }, ...base };
  return change(next, { ...doc, draft: { ...left, editing } });
}

/** What still waits for the interactive model is asked of the promptable one: the same clicks, on the same mask. */
export function withoutClicks(state: AppState): AppState {
  const steps = Object.values(state.steps).map((step): readonly [number, Step] => {
    if (step.edit?.kind !== "click" || step.status === "done") return [step.id, step];
    return [step.id, question(step.id, step.prompt, step.feedback, regionFor(state, step.prompt))];
  });
  return { ...state, steps: Object.fromEntries(steps) };
}
