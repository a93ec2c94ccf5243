import { fit, keepInSight } from "../geometry/camera";
import { beginHistory } from "./history";
import { editLabel } from "./reduce-labels";
import type { AppState, Notice, Picture } from "./state";
import { EMPTY_DOC } from "./state";
import type { ParkedDocument, PictureEntry, Workspace, WorkspaceAction } from "./workspace";
import { documentsOf, withLabel } from "./workspace";

export function reduceWorkspace(
  state: AppState,
  action: Exclude<WorkspaceAction, { type: "workspace/import" }>,
): AppState {
  const { workspace } = state;
  const to = (change: Partial<Workspace>): AppState => ({ ...state, workspace: { ...workspace, ...change } });
  switch (action.type) {
    case "workspace/restore": {
      const entries = [...(action.workspace.entries ?? []), ...workspace.entries];
      const parked = { ...action.workspace.parked, ...workspace.parked };
      const place = workspace.place === "yielded" ? workspace.place : (action.workspace.place ?? workspace.place);
      const next = { ...workspace, ...action.workspace, entries, parked, place, restored: true };
      return { ...state, workspace: next, nextId: Math.max(state.nextId, action.nextId) };
    }
    case "workspace/yield":
      return to({ place: "yielded", kept: action.kept });
    case "workspace/reserve":
      return { ...state, nextId: state.nextId + action.count };
    case "workspace/append": {
      const known = new Set(workspace.labels.map(({ name }) => name));
      return to({
        entries: [...workspace.entries, ...action.entries],
        parked: { ...workspace.parked, ...action.parked },
        labels: [...workspace.labels, ...action.labels.filter(({ name }) => !known.has(name))],
      });
    }
    case "workspace/add":
      return addPictures(state, action.pictures);
    case "workspace/show":
      return showPicture(state, action.id);
    case "workspace/remove":
      return removePicture(state, action.id);
    case "workspace/entry": {
      const entries = workspace.entries.map((entry) =>
        entry.id === action.id ? { ...entry, ...action.change } : entry,
      );
      return to({ entries });
    }
    case "workspace/exclusive":
      return to({ exclusive: action.exclusive });
    case "workspace/label":
      return to({ label: action.label, labels: withLabel(workspace.labels, action.label) });
    case "workspace/label-edit":
      return editLabel(state, action);
  }
}

export function addPictures(state: AppState, pictures: readonly { name: string; bytes: number }[]): AppState {
  const entries = pictures.map(({ name, bytes }, i): PictureEntry => ({
    id: state.nextId + i,
    name,
    bytes,
    size: null,
    imageId: null,
    phase: "waiting",
    thumbnail: null,
  }));
  const workspace = { ...state.workspace, entries: [...state.workspace.entries, ...entries] };
  return { ...state, workspace, nextId: state.nextId + entries.length };
}

export const NEW_DOCUMENT: ParkedDocument = { history: beginHistory(EMPTY_DOC), steps: {}, hidden: [], camera: null };

/** Errors are of the picture that is left, but for those of the browser and of what it keeps. */
const outlivesPicture = ({ tone, code }: Notice): boolean =>
  tone !== "error" || code === "no_webgl" || code.startsWith("storage_");

/** Opens a picture of the workspace where it was left. Ids are unique over all pictures, so no answer is taken for another's. */
export function showPicture(state: AppState, id: number): AppState {
  const entry = state.workspace.entries.find((candidate) => candidate.id === id);
  if (entry === undefined || state.picture?.epoch === id) return state;
  const { [id]: kept, ...others } = documentsOf(state);
  const { history, steps, hidden, camera } = kept ?? NEW_DOCUMENT;
  const { size, imageId, name, bytes } = entry;
  const waiting = { phase: "reading", since: 0, progress: 0, waitSeconds: 0, region: null, embedding: null } as const;
  const picture: Picture = { epoch: id, name, bytes, size, imageId, ...waiting };
  const { view } = state;
  const isSeen = size !== null && view.size.width > 1; // at the start nobody knows how large the view is
  const left = camera !== null && isSeen ? keepInSight(camera, size, view.size) : camera; // in another window perhaps
  const there = left ?? (size === null ? view.camera : fit(size, view.size, view.insets));
  const calm = { band: null, pointer: null, stroke: null, moving: null, outline: null };
  return {
    ...state,
    picture,
    history,
    steps,
    hidden,
    marked: [],
    workspace: { ...state.workspace, parked: others },
    notices: state.notices.filter(outlivesPicture),
    hoverShown: false,
    view: { ...view, ...calm, camera: there, tool: view.tool === "pan" ? "point" : view.tool },
  };
}

/** Its neighbour is opened in its place; without one the page is empty again. */
function removePicture(state: AppState, id: number): AppState {
  const { entries } = state.workspace;
  const at = entries.findIndex((entry) => entry.id === id);
  if (at < 0) return state;
  const neighbour = entries[at + 1] ?? entries[at - 1];
  const away = state.picture?.epoch === id && neighbour !== undefined ? showPicture(state, neighbour.id) : state;
  const parked = Object.fromEntries(Object.entries(away.workspace.parked).filter(([key]) => key !== `${id}`));
  const workspace = { ...away.workspace, parked, entries: entries.filter((entry) => entry.id !== id) };
  if (away.picture?.epoch !== id) return { ...away, workspace };
  return { ...away, workspace, picture: null, ...NEW_DOCUMENT_STATE };
}

const NEW_DOCUMENT_STATE = { history: NEW_DOCUMENT.history, steps: {}, hidden: [], marked: [], hoverShown: false };
