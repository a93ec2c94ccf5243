import { draftOf, objectsOf } from "./selectors";
import type { AppState } from "./state";

export const TOUR_STEPS = ["open", "click", "correct", "accept", "keep"] as const;
export type TourStep = (typeof TOUR_STEPS)[number];

/** Whether the person has done what a step asks for; the last one asks for nothing. */
export function isTourStepDone(step: TourStep, state: AppState): boolean {
  const { prompt } = draftOf(state);
  switch (step) {
    case "open":
      return state.picture?.size != null;
    case "click":
      return prompt.points.length > 0 || prompt.box !== null;
    case "correct":
      return prompt.points.some(({ label }) => label === 0);
    case "accept":
      return objectsOf(state).length > 0 && draftOf(state).step === null;
    case "keep":
      return false;
  }
}
