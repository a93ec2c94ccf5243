import { objectColour } from "./palette";
import { nextColour } from "./draft";
import type { AppState, Doc, Draft, MaskRef, SegmentedObject, Step } from "./state";
import type { Workspace } from "./workspace";

export const docOf = (state: AppState): Doc => state.history.present;
export const draftOf = (state: AppState): Draft => state.history.present.draft;
export const objectsOf = (state: AppState): readonly SegmentedObject[] => state.history.present.objects;
export const canUndo = (state: AppState): boolean => state.history.past.length > 0;
export const canRedo = (state: AppState): boolean => state.history.future.length > 0;

/** A picture's document, open or not. */
type DocumentState = Pick<AppState, "history" | "steps">;

export function draftStep({ history, steps }: DocumentState): Step | null {
  const id = history.present.draft.step;
  return id === null ? null : (steps[id] ?? null);
}

/** The mask that the draft shows: its own, or, while that is being decoded, the newest one before it. */
export function draftMask(state: DocumentState): MaskRef | null {
  const { draft } = state.history.present;
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

/**
 * The masks of a document as they are shown, lowest first: an object that is worked on in its place with its newest mask, a
 * new draft last, of the class `label`.
 */
export function exportable(document: DocumentState, label = ""): ExportEntry[] {
  const doc = document.history.present;
  const { objects, draft } = doc;
  const shown = draftMask(document);
  const entries = objects.map(({ id, step, candidate, name, label: own, colour }) => {
    const ref = (id === draft.editing ? shown : null) ?? { step, candidate };
    return { id, ref, name, label: own, colour };
  });
  if (shown !== null && draft.editing === null) {
    entries.push({ id: 0, ref: shown, name: "", label, colour: nextColour(doc) });
  }
  return entries.flatMap((entry) => {
    const iou = document.steps[entry.ref.step]?.candidates[entry.ref.candidate]?.iou;
    return iou === undefined ? [] : [{ ...entry, iou }];
  });
}

/** How many masks of a document are still worked out, or failed, so that `exportable` has none for them. */
export function maskless(document: DocumentState): number {
  const { objects, draft } = document.history.present;
  const begun = draft.step !== null && draft.editing === null ? 1 : 0;
  return objects.length + begun - exportable(document).length;
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
