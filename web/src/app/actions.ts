import type { Insets } from "../geometry/camera";
import type { Edit } from "../geometry/edit";
import type { ImageBox, ImagePoint, Size, ViewPoint } from "../geometry/frames";
import type { Rectangle } from "../geometry/mask";
import type { PointLabel } from "../geometry/prompt";
import type { Rle } from "../geometry/rle";
import type { CrosshairAction } from "./crosshair";
import type { ModelsState } from "./models";
import type { PreferencesAction } from "./preferences";
import type {
  Dialog,
  EngineState,
  Job,
  MaskRef,
  Notice,
  NoticeAction,
  Picture,
  Rings,
  Sample,
  Step,
  ToolId,
  ViewState,
} from "./state";
import type { WorkspaceAction } from "./workspace";

export type ExportFormat =
  "coco" | "coco_polygons" | "yolo" | "voc" | "labelme" | "geojson" | "svg" | "mask" | "masks" | "label_map" | "cutout";

/** Changes of the document: undo knows them. */
export type DocumentAction =
  | { readonly type: "point/add"; readonly at: ImagePoint; readonly label: PointLabel }
  | { readonly type: "point/remove"; readonly id: number }
  /** `done`: false while it is dragged. */
  | { readonly type: "point/move"; readonly id: number; readonly at: ImagePoint; readonly done: boolean }
  /** Points along a scribble: one question. */
  | { readonly type: "scribble/add"; readonly points: readonly ImagePoint[]; readonly label: PointLabel }
  | { readonly type: "box/set"; readonly box: ImageBox }
  /** A rough outline, which the model makes a mask of. */
  | { readonly type: "lasso/set"; readonly ring: readonly ImagePoint[] }
  /** The draft's mask, changed by hand; `others` are further objects that the change needs. */
  | { readonly type: "mask/edit"; readonly edit: Edit; readonly others?: readonly number[] }
  | { readonly type: "candidate/choose"; readonly candidate: number }
  | { readonly type: "draft/accept" }
  | { readonly type: "draft/cancel" }
  /** The model of this revision answers from now on. */
  | { readonly type: "draft/renew"; readonly revision: string }
  | { readonly type: "object/select"; readonly id: number | null }
  | { readonly type: "object/rename"; readonly id: number; readonly name: string }
  | { readonly type: "object/label"; readonly ids: readonly number[]; readonly label: string }
  | { readonly type: "object/lock"; readonly id: number }
  /** To the n-th place in the list; later objects lie above earlier ones. */
  | { readonly type: "object/move"; readonly id: number; readonly to: number }
  | { readonly type: "object/duplicate"; readonly id: number }
  | { readonly type: "object/delete"; readonly ids: readonly number[] }
  /** The first takes the others in. */
  | { readonly type: "object/merge"; readonly ids: readonly number[] }
  /** The first loses what the others hold. */
  | { readonly type: "object/subtract"; readonly ids: readonly number[] }
  | { readonly type: "object/import"; readonly objects: readonly ImportedObject[] }
  | { readonly type: "object/toggle"; readonly id: number }
  | { readonly type: "object/mark"; readonly ids: readonly number[] }
  | { readonly type: "history/undo" }
  | { readonly type: "history/redo" };

/** A mask from a file. */
export interface ImportedObject {
  readonly name: string;
  readonly label: string;
  readonly rle: Rle;
}

/** Where one looks, and with which tool. */
export type ViewAction =
  | { readonly type: "view/resize"; readonly size: Size; readonly insets: Insets }
  | { readonly type: "camera/zoom"; readonly at: ViewPoint | null; readonly factor: number }
  | { readonly type: "camera/pan"; readonly dx: number; readonly dy: number }
  | { readonly type: "camera/fit" }
  | { readonly type: "tool/choose"; readonly tool: ToolId }
  | { readonly type: "label/choose"; readonly label: PointLabel }
  | { readonly type: "pointer/move"; readonly at: ImagePoint | null }
  | { readonly type: "band/set"; readonly box: ImageBox | null }
  | { readonly type: "stroke/draw"; readonly stroke: ViewState["stroke"] }
  | { readonly type: "brush/size"; readonly radius: number }
  | { readonly type: "outline/show"; readonly rings: Rings | null }
  | { readonly type: "looking/show"; readonly target: Rectangle | null }
  | { readonly type: "grab/set"; readonly grabbing: boolean }
  | { readonly type: "gesture/hold"; readonly held: boolean }
  /** What is held comes to nothing: the hands (ui/hand.ts) let it go. */
  | { readonly type: "gesture/drop" }
  | { readonly type: "dialog/show"; readonly dialog: Dialog }
  | { readonly type: "drop/hover"; readonly over: boolean };

/** What the effects report. */
export type ReportAction =
  | { readonly type: "models/update"; readonly change: Partial<ModelsState> }
  | { readonly type: "picture/open"; readonly name: string; readonly bytes: number }
  | { readonly type: "picture/update"; readonly epoch: number; readonly change: Partial<Omit<Picture, "epoch">> }
  | {
      readonly type: "step/decoded";
      readonly step: number;
      readonly candidates: Step["candidates"];
      readonly fedBack: MaskRef | null;
      readonly revision: string | null;
      readonly ms: number | null;
    }
  | { readonly type: "step/failed"; readonly step: number }
  | { readonly type: "steps/retry" }
  /** There is no interactive model: what waits for it is asked of the promptable one. */
  | { readonly type: "steps/promptable" }
  /** Its logits are gone, and the model that made them too: it is asked of the present one. */
  | { readonly type: "step/lost"; readonly step: number }
  | { readonly type: "engine/update"; readonly change: Partial<EngineState> }
  | { readonly type: "masks/changed" }
  | { readonly type: "hover/shown"; readonly shown: boolean; readonly ms: number | null }
  /** A part of a large picture can be shown by itself. */
  | { readonly type: "picture/sharpened" }
  | { readonly type: "job/update"; readonly job: Job | null }
  | { readonly type: "samples/listed"; readonly samples: readonly Sample[] }
  | { readonly type: "notice/add"; readonly notice: Omit<Notice, "id"> }
  | { readonly type: "notice/dismiss"; readonly id: number }
  | { readonly type: "notice/clear"; readonly code: string };

/** Wishes that only an effect can fulfil; they change no state by themselves. */
export type RequestAction =
  /** The browser's dialog for files or for a folder, or a phone's camera. */
  | { readonly type: "request/pick"; readonly from?: "files" | "folder" | "camera" }
  /** Pictures, ZIPs, annotations or a workspace: whatever a person gave. */
  | { readonly type: "request/open"; readonly files: readonly File[] }
  | { readonly type: "request/transfer"; readonly transfer: DataTransfer }
  /** Another picture of the workspace: by its id, or the next or previous one. */
  | { readonly type: "request/show"; readonly id: number }
  | { readonly type: "request/step"; readonly offset: 1 | -1 }
  | { readonly type: "request/remove"; readonly id: number }
  /** The object under a point becomes the one that is edited. */
  | { readonly type: "request/pick-object"; readonly at: ImagePoint; readonly mark: boolean }
  /** To encode what is in sight by itself; to go back to the whole. */
  | { readonly type: "request/region"; readonly region: Rectangle | null }
  | { readonly type: "request/sample"; readonly file: string }
  /** Of the open picture: to encode it, to give that up. */
  | { readonly type: "request/encode" }
  | { readonly type: "request/stop" }
  /** The list anew; one of its models. */
  | { readonly type: "request/models" }
  | { readonly type: "request/model"; readonly id: string }
  | { readonly type: "request/export"; readonly format: ExportFormat; readonly all: boolean }
  /** The whole workspace as one file. */
  | { readonly type: "request/workspace" }
  | { readonly type: "request/stop-job" }
  /** The workspace from the tab that has it. */
  | { readonly type: "request/take-over" }
  | { readonly type: "request/recover"; readonly action: NoticeAction };

export type Action =
  DocumentAction | WorkspaceAction | ViewAction | ReportAction | RequestAction | PreferencesAction | CrosshairAction;
export type Dispatch = (action: Action) => void;
