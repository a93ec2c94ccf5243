import type { Insets } from "../geometry/camera";
import type { ImageBox, ImagePoint, Size, ViewPoint } from "../geometry/frames";
import type { PointLabel } from "../geometry/prompt";
import type { CrosshairAction } from "./crosshair";
import type { ModelsState } from "./models";
import type { PreferencesAction } from "./preferences";
import type { Dialog, EngineState, MaskRef, Notice, NoticeAction, Picture, Sample, Step, ToolId } from "./state";

export type ExportFormat = "mask" | "cutout" | "coco";

/** Changes of the document: undo knows them. */
export type DocumentAction =
  | { readonly type: "point/add"; readonly at: ImagePoint; readonly label: PointLabel }
  | { readonly type: "point/remove"; readonly id: number }
  | { readonly type: "box/set"; readonly box: ImageBox }
  | { readonly type: "candidate/choose"; readonly candidate: number }
  | { readonly type: "draft/accept" }
  | { readonly type: "draft/cancel" }
  /** The model of this revision answers from now on. */
  | { readonly type: "draft/renew"; readonly revision: string }
  | { readonly type: "object/select"; readonly id: number | null }
  | { readonly type: "object/rename"; readonly id: number; readonly name: string }
  | { readonly type: "object/delete"; readonly id: number }
  | { readonly type: "object/toggle"; readonly id: number }
  | { readonly type: "history/undo" }
  | { readonly type: "history/redo" };

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
  | { readonly type: "grab/set"; readonly grabbing: boolean }
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
      readonly revision: string;
      readonly ms: number | null;
    }
  | { readonly type: "step/failed"; readonly step: number }
  | { readonly type: "steps/retry" }
  /** Its logits are gone, and the model that made them too: it is asked of the present one. */
  | { readonly type: "step/lost"; readonly step: number }
  | { readonly type: "engine/update"; readonly change: Partial<EngineState> }
  | { readonly type: "masks/changed" }
  | { readonly type: "hover/shown"; readonly shown: boolean; readonly ms: number | null }
  | { readonly type: "samples/listed"; readonly samples: readonly Sample[] }
  | { readonly type: "notice/add"; readonly notice: Omit<Notice, "id"> }
  | { readonly type: "notice/dismiss"; readonly id: number }
  | { readonly type: "notice/clear"; readonly code: string };

/** Wishes that only an effect can fulfil; they change no state by themselves. */
export type RequestAction =
  | { readonly type: "request/pick" }
  | { readonly type: "request/open"; readonly file: File }
  | { readonly type: "request/sample"; readonly file: string }
  /** Of the open picture: to encode it, to give that up. */
  | { readonly type: "request/encode" }
  | { readonly type: "request/stop" }
  /** The list anew; one of its models. */
  | { readonly type: "request/models" }
  | { readonly type: "request/model"; readonly id: string }
  | { readonly type: "request/export"; readonly format: ExportFormat }
  | { readonly type: "request/recover"; readonly action: NoticeAction };

export type Action = DocumentAction | ViewAction | ReportAction | RequestAction | PreferencesAction | CrosshairAction;
export type Dispatch = (action: Action) => void;
