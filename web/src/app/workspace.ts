import type { Camera } from "../geometry/camera";
import { isFitted } from "../geometry/camera";
import type { Size } from "../geometry/frames";
import type { ImportedObject } from "./actions";
import type { History } from "./history";
import type { LabelEdit } from "./reduce-labels";
import type { AppState, Doc, Step } from "./state";

/** How far a picture has come, as the filmstrip shows it. */
export type EntryPhase = "waiting" | "encoding" | "encoded" | "failed";

/** One picture of the workspace. */
export interface PictureEntry {
  readonly id: number;
  readonly name: string;
  /** The file's size. */
  readonly bytes: number;
  readonly size: Size | null;
  /** By the server, once it knows the picture. */
  readonly imageId: string | null;
  readonly phase: EntryPhase;
  /** An object URL of a small picture. */
  readonly thumbnail: string | null;
}

/** What is kept of a picture while another one is open. */
export interface ParkedDocument {
  readonly history: History<Doc>;
  readonly steps: Readonly<Record<number, Step>>;
  readonly hidden: readonly number[];
  readonly camera: Camera | null;
}

/** A class of objects; `colour` is a number as an object's. */
export interface Label {
  readonly name: string;
  readonly colour: number;
}

export interface Workspace {
  readonly entries: readonly PictureEntry[];
  readonly parked: Readonly<Record<number, ParkedDocument>>;
  readonly labels: readonly Label[];
  /** The class that the next object gets; "" none. */
  readonly label: string;
  /** New objects leave the pixels of older ones alone. */
  readonly exclusive: boolean;
  /** Which tab has what is kept: this one, another one, or another one since it asked this one for it. */
  readonly place: "here" | "elsewhere" | "yielded";
  /** What was given to another tab is all there. */
  readonly kept: boolean;
  /** false until what was kept from an earlier visit is back. */
  readonly restored: boolean;
}

export const EMPTY_WORKSPACE: Workspace = {
  entries: [],
  parked: {},
  labels: [],
  label: "",
  exclusive: false,
  place: "here",
  kept: true,
  restored: false,
};

export type WorkspaceAction =
  | { readonly type: "workspace/restore"; readonly workspace: Partial<Workspace>; readonly nextId: number }
  /** Ids from here on are set aside: `count` of them. */
  | { readonly type: "workspace/reserve"; readonly count: number }
  /** Pictures with their documents, as another workspace had them. */
  | ({ readonly type: "workspace/append" } & Pick<Workspace, "entries" | "parked" | "labels">)
  | { readonly type: "workspace/add"; readonly pictures: readonly { readonly name: string; readonly bytes: number }[] }
  /** Another tab has it now; nothing changes it here any more. */
  | { readonly type: "workspace/yield"; readonly kept: boolean }
  | { readonly type: "workspace/show"; readonly id: number }
  | { readonly type: "workspace/remove"; readonly id: number }
  | { readonly type: "workspace/entry"; readonly id: number; readonly change: Partial<Omit<PictureEntry, "id">> }
  | { readonly type: "workspace/import"; readonly id: number; readonly objects: readonly ImportedObject[] }
  | { readonly type: "workspace/exclusive"; readonly exclusive: boolean }
  | { readonly type: "workspace/label"; readonly label: string }
  | ({ readonly type: "workspace/label-edit" } & LabelEdit);

/** The classes with this one among them. */
export function withLabel(labels: readonly Label[], name: string): readonly Label[] {
  if (name === "" || labels.some((label) => label.name === name)) return labels;
  const colour = labels.reduce((highest, label) => Math.max(highest, label.colour), -1) + 1;
  return [...labels, { name, colour }];
}

/** The open picture's document as it is kept while another one is open; fitted into the view, it will be fitted again. */
export function documentOf({ history, steps, hidden, view, picture }: AppState): ParkedDocument {
  const { camera, size, insets } = view;
  const isOwn = picture?.size != null && !isFitted(camera, picture.size, size, insets);
  return { history, steps, hidden, camera: isOwn ? camera : null };
}

/** Every picture's document, the open one's included. */
export function documentsOf(state: AppState): Readonly<Record<number, ParkedDocument>> {
  const { picture, workspace } = state;
  return picture === null ? workspace.parked : { ...workspace.parked, [picture.epoch]: documentOf(state) };
}

/** One picture needs no filmstrip. */
export const showsStrip = ({ workspace }: AppState): boolean => workspace.entries.length > 1;

/** The one before or after the open picture; null at the ends. */
export function neighbourOf(state: AppState, offset: 1 | -1): PictureEntry | null {
  const { entries } = state.workspace;
  const at = entries.findIndex((entry) => entry.id === state.picture?.epoch);
  return at < 0 ? null : (entries[at + offset] ?? null);
}
