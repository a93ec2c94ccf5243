import type { AppState, Step } from "./state";

/** From so many steps on, those that nothing can reach any more are looked for. */
export const MOST_STEPS = 1200;

/** Lets go of steps that neither undo nor redo, nor an object, nor the feedback of one of these can reach. */
export function pruneSteps(state: AppState): AppState {
  if (Object.keys(state.steps).length <= MOST_STEPS) return state;
  const { past, present, future } = state.history;
  const shown = new Set<number>();
  let objects = present.objects;
  const showAll = (): void => objects.forEach(({ step }) => shown.add(step));
  showAll();
  for (const doc of [present, ...past, ...future]) {
    if (doc.draft.step !== null) shown.add(doc.draft.step);
    if (doc.objects === objects) continue; // clicks leave the objects as they are
    objects = doc.objects;
    showAll();
  }
  const kept = new Set(shown);
  for (const id of shown) {
    const step = state.steps[id];
    for (const ref of [...(step?.feedback ?? []), ...(step?.others ?? [])]) kept.add(ref.step);
  }
  const steps: Record<number, Step> = {};
  for (const step of Object.values(state.steps)) if (kept.has(step.id)) steps[step.id] = step;
  return { ...state, steps };
}
