import { objectColour } from "./palette";
import { nextColour } from "./draft";
import type { AppState, Doc, Draft, MaskRef, SegmentedObject, Step } from "./state";
import type { Workspace } from "./workspace";

export const docOf = (state: AppState): Doc => state.history.present;
export const draftOf = (state: AppState): Draft => state.history.present.draft;
export const objectsOf = (state: AppState): readonly SegmentedObject[] => state.history.present.objects;
export const canUndo = (state: AppState): boolean => state.history.past.length > 0;
export const canRedo = (state: AppState): boolean => state.history.future.length > 0;

export function draftStep(state: AppState): Step | null {
  const id = draftOf(state).step;
  return id === null ? null : (state.steps[id] ?? null);
}

/** The mask that the draft shows: its own, or, while that is being decoded, the newest one before it. */
export function draftMask(state: AppState): MaskRef | null {
  const draft = draftOf(state);
  const step = draftStep(state);
  if (step === null) return null;
  if (step.status === "done") return { step: step.id, candidate: draft.candidate };
  return step.feedback.find((ref) => state.steps[ref.step]?.status === "done") ?? null;
}

/** Every step whose logits must be at hand to paint the document. */
export function shownSteps(state: AppState): number[] {
  const { objects } = docOf(state);
  const mask = draftMask(state);
  const own = draftOf(state).step;
  const ids = [own, mask?.step ?? null, ...objects.map((object) => object.step)];
  return [...new Set(ids.filter((id) => id !== null))];
}

/** One finished mask, as a download holds it. */
export interface ExportEntry {
  readonly id: number;
  readonly ref: MaskRef;
  readonly name: string;
  readonly label: string;
  readonly colour: number;
  readonly iou: number | null;
}

/** The finished masks of a document, the draft's included. */
export function exportable({ history, steps }: Pick<AppState, "history" | "steps">): ExportEntry[] {
  const doc = history.present;
  const { objects, draft } = doc;
  const entries = objects
    .filter((object) => object.id !== draft.editing)
    .map(({ id, step, candidate, name, label, colour }) => ({ id, ref: { step, candidate }, name, label, colour }));
  if (draft.step !== null) {
    const edited = objects.find((object) => object.id === draft.editing);
    const { id = 0, name = "", label = "", colour = nextColour(doc) } = edited ?? {};
    entries.push({ id, ref: { step: draft.step, candidate: draft.candidate }, name, label, colour });
  }
  return entries.flatMap((entry) => {
    const iou = steps[entry.ref.step]?.candidates[entry.ref.candidate]?.iou;
    return iou === undefined ? [] : [{ ...entry, iou }];
  });
}

const parkedCounts = new WeakMap<Workspace["parked"], number>();

/** Masks of every picture together; those of closed pictures are counted once for each change of them. */
export function exportableCount(state: AppState): number {
  const { parked } = state.workspace;
  let count = parkedCounts.get(parked);
  if (count === undefined) {
    count = Object.values(parked).reduce((sum, document) => sum + exportable(document).length, 0);
    parkedCounts.set(parked, count);
  }
  return count + exportable(state).length;
}

export function draftColour(state: AppState): number {
  const { objects, draft } = docOf(state);
  const { label, labels } = state.workspace;
  const edited = objects.find((object) => object.id === draft.editing);
  return objectColour(edited ?? { label, colour: nextColour(docOf(state)) }, labels);
}

export function zoomPercent(state: AppState): number {
  return Math.round(state.view.camera.zoom * 100);
}
