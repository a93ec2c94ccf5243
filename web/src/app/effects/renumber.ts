import type { MapId } from "../../storage/workspace-import";
import type { Prompt } from "../../geometry/prompt";
import type { Doc, Draft, MaskRef, SegmentedObject, Step } from "../state";
import type { ParkedDocument } from "../workspace";
import { isDocument } from "./kept-workspace";

/**
 * A document with every id in it mapped, its snapshots sharing what did not change between them, as they did before they were
 * JSON. Raises TypeError for what is no document, or has ids that are none.
 */
export function renumberDocument(value: unknown, mapId: MapId): ParkedDocument {
  if (!isDocument(value)) throw new TypeError("This is no document.");
  const { history, steps, hidden, camera } = value;
  const { past, present, future } = history;
  const known = new Map<string, SegmentedObject>();
  const objectOf = (object: SegmentedObject): SegmentedObject => {
    const key = JSON.stringify(object);
    const made = known.get(key) ?? renumberObject(object, mapId);
    known.set(key, made);
    return made;
  };
  let shared: Doc["objects"] = [];
  const docOf = ({ objects, draft }: Doc): Doc => {
    const made = objects.map(objectOf);
    if (made.length !== shared.length || made.some((object, i) => object !== shared[i])) shared = made;
    return { objects: shared, draft: renumberDraft(draft, mapId) };
  };
  const mapped = Object.values(steps).map((step) => [mapId(step.id), renumberStep(step, mapId)] as const);
  return {
    history: { past: past.map(docOf), present: docOf(present), future: future.map(docOf) },
    steps: Object.fromEntries(mapped),
    hidden: hidden.map(mapId),
    camera,
  };
}

/** A kept result names the step that was fed back to it. */
export function renumberPayload(value: unknown, mapId: MapId): unknown {
  if (typeof value !== "object" || value === null) throw new TypeError("This is no result.");
  const { fedBack } = value as { readonly fedBack?: MaskRef | null };
  return fedBack == null ? value : { ...value, fedBack: renumberRef(fedBack, mapId) };
}

function renumberDraft(draft: Draft, mapId: MapId): Draft {
  const { prompt, step, editing } = draft;
  return {
    ...draft,
    prompt: renumberPrompt(prompt, mapId),
    step: step === null ? null : mapId(step),
    editing: editing === null ? null : mapId(editing),
  };
}

function renumberObject(object: SegmentedObject, mapId: MapId): SegmentedObject {
  const { id, step, prompt } = object;
  return { ...object, id: mapId(id), step: mapId(step), prompt: renumberPrompt(prompt, mapId) };
}

function renumberStep(step: Step, mapId: MapId): Step {
  return {
    ...step,
    id: mapId(step.id),
    prompt: renumberPrompt(step.prompt, mapId),
    others: step.others.map((ref) => renumberRef(ref, mapId)),
    feedback: step.feedback.map((ref) => renumberRef(ref, mapId)),
    fedBack: step.fedBack === null ? null : renumberRef(step.fedBack, mapId),
  };
}

const renumberRef = (ref: MaskRef, mapId: MapId): MaskRef => ({ ...ref, step: mapId(ref.step) });

function renumberPrompt(prompt: Prompt, mapId: MapId): Prompt {
  return { ...prompt, points: prompt.points.map((point) => ({ ...point, id: mapId(point.id) })) };
}
