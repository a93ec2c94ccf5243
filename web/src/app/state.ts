import type { Camera, Insets } from "../geometry/camera";
import { NO_INSETS } from "../geometry/camera";
import type { Edit, Stroke } from "../geometry/edit";
import type { ImageBox, ImagePoint, Size } from "../geometry/frames";
import type { Rectangle } from "../geometry/mask";
import type { PointLabel, Prompt } from "../geometry/prompt";
import { EMPTY_PROMPT } from "../geometry/prompt";
import type { Crosshair } from "./crosshair";
import type { History } from "./history";
import { beginHistory } from "./history";
import type { ModelsState } from "./models";
import { NO_MODELS } from "./models";
import type { Preferences } from "./preferences";
import { DEFAULT_PREFERENCES } from "./preferences";
import type { Workspace } from "./workspace";
import { EMPTY_WORKSPACE } from "./workspace";

/** One candidate of one decoding; its logits lie in the decode worker under the same names. */
export interface MaskRef {
  readonly step: number;
  readonly candidate: number;
}

/**
 * One way from prompts, or from a mask and a change by hand, to a mask: what was asked, and what came of it. Steps never
 * change their meaning, so undo can point at them.
 */
export interface Step {
  readonly id: number;
  readonly prompt: Prompt;
  readonly multimask: boolean;
  /** The part of the picture whose embedding answers; null: the whole. */
  readonly region: Rectangle | null;
  /** The change, by hand or by the interactive model, of the first mask of `feedback`; null: the promptable model is asked. */
  readonly edit: Edit | null;
  /** Further masks that the change needs. */
  readonly others: readonly MaskRef[];
  /** Masks that may be fed back, nearest first. */
  readonly feedback: readonly MaskRef[];
  /** Which of them was. */
  readonly fedBack: MaskRef | null;
  readonly status: "waiting" | "done" | "failed";
  /** `iou`: as the model predicts it; null for a mask that was mended by hand. */
  readonly candidates: readonly { readonly index: number; readonly iou: number | null }[];
  /** Of the promptable model that answered; null before, and for other changes. */
  readonly revision: string | null;
}

/** The mask being made. `editing` names the object that it will replace. */
export interface Draft {
  readonly prompt: Prompt;
  readonly step: number | null;
  readonly candidate: number;
  readonly editing: number | null;
}

export interface SegmentedObject {
  readonly id: number;
  /** "" until the person names it. */
  readonly name: string;
  /** The name of its class; "" without one. */
  readonly label: string;
  readonly colour: number;
  /** Mask, name and class stay until it is unlocked. */
  readonly locked: boolean;
  readonly prompt: Prompt;
  readonly step: number;
  readonly candidate: number;
}

/** What undo and redo restore. */
export interface Doc {
  readonly objects: readonly SegmentedObject[];
  readonly draft: Draft;
}

/** `loading`: the server loads the model that will encode; `unencoded`: that was given up, the picture is only shown. */
export type PicturePhase =
  "reading" | "uploading" | "loading" | "encoding" | "fetching" | "waiting" | "ready" | "unencoded" | "failed";

/** Where an embedding came from: this page, this browser, the server's cache, or the encoder. */
export type EmbeddingOrigin = "memory" | "storage" | "server" | "encoded";

export interface Picture {
  /** The picture's id in the workspace; answers for another one are dropped. */
  readonly epoch: number;
  readonly name: string;
  /** The file's size. */
  readonly bytes: number;
  readonly size: Size | null;
  readonly imageId: string | null;
  readonly phase: PicturePhase;
  /** When this phase began, by performance.now(). */
  readonly since: number;
  /** 0..1 while uploading. */
  readonly progress: number;
  /** Seconds of the wait that the server asked for. */
  readonly waitSeconds: number;
  /** The part that was encoded by itself, and that answers clicks inside it; null: the whole picture answers. */
  readonly region: Rectangle | null;
  /** Of the whole picture. */
  readonly embedding: { readonly bytes: number; readonly from: EmbeddingOrigin } | null;
}

export type Backend = "webgpu" | "wasm" | "server";

export interface EngineState {
  readonly phase: "loading" | "ready" | "failed";
  /** 0..1 of the decoder's download. */
  readonly progress: number;
  readonly backend: Backend | null;
  readonly threads: number;
  readonly model: string;
  readonly lastMs: number | null;
}

export type NoticeAction = "retry" | "reload" | "open";

export interface Notice {
  readonly id: number;
  /** Key of the dictionary's `problem.*` texts; an unknown one shows `detail`. */
  readonly code: string;
  readonly detail: string;
  readonly tone: "error" | "warning" | "info";
  readonly action: NoticeAction | null;
}

export type ToolId = "point" | "box" | "scribble" | "lasso" | "brush" | "eraser" | "polygon" | "select" | "pan";
export type Dialog = "keys" | "models" | "settings" | null;

/** Rings in ImagePx, as a person edits them. */
export type Rings = readonly (readonly ImagePoint[])[];

export interface ViewState {
  readonly camera: Camera;
  readonly size: Size;
  readonly insets: Insets;
  readonly tool: ToolId;
  /** What a plain left click or tap adds. */
  readonly label: PointLabel;
  readonly pointer: ImagePoint | null;
  /** The box while it is dragged. */
  readonly band: ImageBox | null;
  /** The stroke, scribble or lasso while it is drawn. */
  readonly stroke: (Stroke & { readonly erase: boolean }) | null;
  /** Where the interactive model looks while it works. */
  readonly looking: Rectangle | null;
  /** The point while it is dragged. */
  readonly moving: { readonly id: number; readonly at: ImagePoint } | null;
  /** The draft's outline while its vertices can be moved. */
  readonly outline: Rings | null;
  /** Radius of brush and eraser, in ImagePx. */
  readonly brush: number;
  readonly grabbing: boolean;
  /** A gesture is under way: a button, a finger or the crosshair is held. */
  readonly held: boolean;
  readonly dialog: Dialog;
  readonly dropping: boolean;
}

/** Long work beside the pictures, as people see it go on. */
export interface Job {
  readonly kind: "workspace_save" | "workspace_open" | "pages" | "export";
  /** 0..1 */
  readonly part: number;
}

export interface Sample {
  readonly file: string;
  readonly title: string;
  readonly credit: string;
  readonly width: number;
  readonly height: number;
}

export interface AppState {
  readonly workspace: Workspace;
  /** The open one; its document is `history`, `steps` and `hidden`. */
  readonly picture: Picture | null;
  readonly history: History<Doc>;
  readonly steps: Readonly<Record<number, Step>>;
  readonly hidden: readonly number[];
  /** Objects that the next command is for, beside the one that is edited. */
  readonly marked: readonly number[];
  readonly nextId: number;
  readonly engine: EngineState;
  readonly models: ModelsState;
  readonly preferences: Preferences;
  readonly view: ViewState;
  readonly crosshair: Crosshair | null;
  readonly notices: readonly Notice[];
  readonly job: Job | null;
  readonly samples: readonly Sample[];
  /** Grows when logits arrive that no other change announces (hover, restored steps). */
  readonly masksVersion: number;
  readonly hoverShown: boolean;
}

export const EMPTY_DRAFT: Draft = { prompt: EMPTY_PROMPT, step: null, candidate: 0, editing: null };
export const EMPTY_DOC: Doc = { objects: [], draft: EMPTY_DRAFT };

export const INITIAL_STATE: AppState = {
  workspace: EMPTY_WORKSPACE,
  picture: null,
  history: beginHistory(EMPTY_DOC),
  steps: {},
  hidden: [],
  marked: [],
  nextId: 1,
  engine: { phase: "loading", progress: 0, backend: null, threads: 0, model: "", lastMs: null },
  models: NO_MODELS,
  preferences: DEFAULT_PREFERENCES,
  view: {
    camera: { zoom: 1, x: 0, y: 0 },
    size: { width: 1, height: 1 },
    insets: NO_INSETS,
    tool: "point",
    label: 1,
    pointer: null,
    band: null,
    stroke: null,
    looking: null,
    moving: null,
    outline: null,
    brush: 16,
    grabbing: false,
    held: false,
    dialog: null,
    dropping: false,
  },
  crosshair: null,
  notices: [],
  job: null,
  samples: [],
  masksVersion: 0,
  hoverShown: false,
};
