import type { Action } from "../app/actions";
import { crosshairOf } from "../app/crosshair";
import { docOf, draftOf, draftStep, objectsOf } from "../app/selectors";
import type { AppState } from "../app/state";
import type { PlacedLogits } from "../geometry/mask";
import { t } from "../text";
import { numberText, percentText } from "../text/numbers";
import { objectName } from "./object-name";

/** 0..1 of the picture that lies in the mask, counted on the grid's own cells, those of the padding left out. */
export function coverageOf({ data, width, region, scale, picture, threshold }: PlacedLogits): number {
  const columns = Math.round(region.width * scale.x);
  const rows = Math.round(region.height * scale.y);
  if (columns === 0 || rows === 0) return 0;
  let inside = 0;
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) if ((data[y * width + x] ?? 0) > threshold) inside++;
  }
  const ofRegion = inside / (columns * rows);
  return (ofRegion * region.width * region.height) / (picture.width * picture.height);
}

/** What those who do not see the picture are told of a change; "" where it needs no word. */
export function announcementOf(
  state: AppState,
  before: AppState,
  action: Action,
  logitsOf: (step: number, candidate: number) => PlacedLogits | null,
): string {
  const mask = (): string => maskText(state, logitsOf);
  switch (action.type) {
    case "step/decoded":
      return action.step === draftOf(state).step ? mask() : "";
    case "step/failed":
      return action.step === draftOf(state).step ? t("announce.failed") : "";
    case "history/undo":
    case "history/redo":
      if (state.history === before.history) return "";
      return joined(t(action.type === "history/undo" ? "announce.undone" : "announce.redone"), mask());
    case "candidate/choose":
      if (draftOf(state).candidate === draftOf(before).candidate) return "";
      return joined(t("announce.candidate", { n: draftOf(state).candidate + 1 }), mask());
    case "tool/choose":
      return t(`command.tool.${action.tool}`);
    case "preferences/clicking":
      return joined(`${t(`clicking.${action.clicking}`)}.`, t(`clicking.${action.clicking}.hint`));
    case "label/choose":
      return t(action.label === 1 ? "label.hint.add" : "label.hint.remove");
    case "picture/update": {
      const isReady = state.picture?.phase === "ready" && before.picture?.phase !== "ready";
      return isReady ? t("announce.ready") : "";
    }
    case "workspace/show":
    case "workspace/remove":
    case "picture/open":
      return pictureText(state, before);
    case "workspace/label":
      return t("announce.next_label", { label: action.label || t("label.none") });
    case "workspace/import": // a notice tells of all pictures together
      return "";
    case "workspace/label-edit":
      if (action.to === null) return t("announce.class.removed", { name: action.name });
      return action.to === action.name ? "" : t("announce.class.renamed", { name: action.name, to: action.to });
    case "object/merge":
    case "object/subtract":
    case "object/label":
    case "object/lock":
    case "object/move":
    case "object/import":
      return objectText(state, before, action);
    case "crosshair/hold":
      if (crosshairOf(state)?.held === true) return t("announce.held");
      break;
  }
  return docOf(state) === docOf(before) ? "" : documentText(state, before, mask);
}

/** The picture that was gone to, and where it lies among the others. */
function pictureText(state: AppState, before: AppState): string {
  const { entries } = state.workspace;
  const at = entries.findIndex(({ id }) => id === state.picture?.epoch);
  const entry = entries[at];
  if (entry === undefined || state.picture?.epoch === before.picture?.epoch) return "";
  return t("announce.picture", { name: entry.name, at: at + 1, count: entries.length });
}

type ObjectAction = Extract<
  Action,
  { readonly type: `object/${"merge" | "subtract" | "label" | "lock" | "move" | "import"}` }
>;

function objectText(state: AppState, before: AppState, action: ObjectAction): string {
  if (action.type === "object/import") {
    return action.objects.length === 0 ? "" : t("announce.imported", { count: action.objects.length });
  }
  const objects = objectsOf(state);
  const ids = "id" in action ? [action.id] : action.ids;
  const earlier = objectsOf(before);
  // The first that changed: of several, some may be locked.
  const id = ids.find(
    (one) => objects.find((object) => object.id === one) !== earlier.find((object) => object.id === one),
  );
  const at = objects.findIndex((object) => object.id === (action.type === "object/move" ? action.id : id));
  const object = objects[at];
  if (object === undefined || docOf(state) === docOf(before)) return "";
  const name = objectName(object, objects);
  switch (action.type) {
    case "object/merge":
      return t("announce.merged");
    case "object/subtract":
      return t("announce.subtracted", { name });
    case "object/label":
      return action.label === ""
        ? t("announce.unlabelled", { name })
        : t("announce.label", { name, label: action.label });
    case "object/lock":
      return t(object.locked ? "announce.locked" : "announce.unlocked", { name });
    case "object/move":
      return t("announce.moved", { name, n: at + 1, count: objects.length });
  }
}

function documentText(state: AppState, before: AppState, mask: () => string): string {
  const [objects, earlier] = [objectsOf(state), objectsOf(before)];
  if (objects.length < earlier.length) return t("announce.deleted");
  const last = objects.at(-1);
  if (objects.length > earlier.length && last) return t("announce.accepted", { name: objectName(last, objects) });
  const [draft, draftBefore] = [draftOf(state), draftOf(before)];
  const saved = objects.find((object) => object.id === draftBefore.editing);
  if (saved && !earlier.includes(saved)) return t("announce.saved", { name: objectName(saved, objects) });
  const { points, box } = draft.prompt;
  const difference = points.length - draftBefore.prompt.points.length;
  if (draft.editing !== draftBefore.editing) return draft.step === null ? "" : mask();
  if (difference > 0) return t(points.at(-1)?.label === 0 ? "announce.remove" : "announce.add");
  if (box !== draftBefore.prompt.box && box !== null) return t("announce.box");
  if (draft.step === null) return draftBefore.step === null ? "" : t("announce.cancelled");
  return difference < 0 ? joined(t("announce.point.gone"), mask()) : "";
}

function maskText(state: AppState, logitsOf: (step: number, candidate: number) => PlacedLogits | null): string {
  const step = draftStep(state);
  const { candidate } = draftOf(state);
  const iou = step?.candidates[candidate]?.iou;
  const logits = step === null ? null : logitsOf(step.id, candidate);
  if (iou === undefined || logits === null) return "";
  const percent = percentText(coverageOf(logits));
  return iou === null
    ? t("announce.mask.by_hand", { percent })
    : t("announce.mask", { percent, score: numberText(iou, 2) });
}

const joined = (...parts: string[]): string => parts.filter((part) => part !== "").join(" ");

/** Where the crosshair is, for the ear. */
export function placeText(state: AppState): string {
  const at = crosshairOf(state)?.at;
  const size = state.picture?.size;
  if (at === undefined || size == null) return "";
  return t("announce.place", { x: percentText(at.x / size.width), y: percentText(at.y / size.height) });
}
