import type { Click } from "../geometry/click-maps";
import type { Edit } from "../geometry/edit";
import type { Size } from "../geometry/frames";
import type { PlacedLogits, Rectangle } from "../geometry/mask";
import { placed, rasterAsLogits } from "../geometry/mask";
import type { Prompt } from "../geometry/prompt";
import type { Raster } from "../geometry/raster";
import type { Placement } from "../geometry/resize";
import type { Rle } from "../geometry/rle";
import type { ClickRules } from "./click-loop";

export type Backend = "webgpu" | "wasm" | "server";

export interface EngineInfo {
  readonly backend: Backend;
  readonly threads: number;
}

/** What the worker must know of a bundle's manifest. */
export interface DecoderSpec {
  readonly revision: string;
  readonly embeddingNames: readonly string[];
  readonly maskWidth: number;
  readonly maskHeight: number;
  readonly singleMaskIndex: number;
  readonly multiMaskIndices: readonly number[];
  readonly maskThreshold: number;
  /** Points with label -1 change nothing, so none is added. */
  readonly paddingIsNeutral: boolean;
}

/** A mask that the worker keeps: which step made it, and which of the step's candidates it is. */
export interface MaskRef {
  readonly step: number;
  readonly candidate: number;
}

export interface DecodeRequest {
  /** null for a hover preview, whose logits are not kept. */
  readonly step: number | null;
  readonly prompt: Prompt;
  readonly multimask: boolean;
  /** The part of the picture whose embedding answers; null: the whole. */
  readonly region: Rectangle | null;
  /** Masks that may be fed back, best choice first; the first that is at hand and not another model's is used. */
  readonly feedback: readonly MaskRef[];
}

export interface Candidate {
  /** The decoder's output index. */
  readonly index: number;
  readonly iou: number;
}

/**
 * Candidates best first, with a copy of each one's logits (row-major, width x height). It says itself which model made
 * it and how that model's logits are read, so that it stays the same mask when another model is loaded.
 */
export interface DecodeResult {
  readonly revision: string;
  readonly placement: Placement;
  readonly threshold: number;
  readonly candidates: readonly Candidate[];
  readonly masks: readonly Float32Array[];
  readonly width: number;
  readonly height: number;
  readonly ms: number;
  /** Whose logits were fed back. */
  readonly fedBack: MaskRef | null;
}

/** A mask of the picture's own pixels; `iou` and `ms` where an interactive model made it. */
export interface RasterResult {
  readonly raster: Raster;
  readonly iou?: number;
  readonly ms?: number;
}

/** What came of a step: a promptable model's answer, or a mask by hand or by an interactive model. */
export type StepResult = DecodeResult | RasterResult;

export function logitsOf(result: StepResult, candidate: number): PlacedLogits | null {
  if ("raster" in result) return candidate === 0 ? rasterAsLogits(result.raster) : null;
  const { width, height, placement, threshold } = result;
  const data = result.masks[candidate];
  return data === undefined ? null : placed({ data, width, height }, placement, threshold);
}

/** A change by hand: of `base` (null: of nothing), with the help of `others`. */
export interface EditRequest {
  readonly step: number;
  readonly picture: Size;
  readonly edit: Edit;
  readonly base: MaskRef | null;
  readonly others: readonly MaskRef[];
}

/** What the worker must know of an interactive bundle's manifest. */
export interface ClickSpec {
  readonly revision: string;
  readonly rules: ClickRules;
}

/** Of an interactive bundle. `refine`: null where it has one stage; `golden`: null where it comes without. */
export interface ClickFiles {
  readonly spec: ClickSpec;
  readonly coarse: ArrayBuffer;
  readonly refine: ArrayBuffer | null;
  readonly golden: ArrayBuffer | null;
}

/** A click for the interactive model, which goes on from `base` (null: from nothing). */
export interface ClickRequest {
  readonly step: number;
  readonly picture: Size;
  /** The open picture's id, and its file. */
  readonly epoch: number;
  readonly source: Blob;
  readonly base: MaskRef | null;
  /** All of them, the new one last. */
  readonly clicks: readonly Click[];
  readonly given: boolean;
  /** Average with the mirrored picture. */
  readonly flip: boolean;
}

export interface MaskSummary {
  readonly rle: Rle;
  readonly area: number;
  readonly bbox: readonly [x: number, y: number, width: number, height: number];
}

export type Task =
  | {
      readonly kind: "start";
      readonly spec: DecoderSpec;
      /** null: no runtime, the worker only keeps logits and writes files (server predict). */
      readonly model: ArrayBuffer | null;
      readonly golden: ArrayBuffer | null;
      readonly threads: number;
      readonly gpu: boolean;
    }
  /** Of a picture (`epoch`), or of that part of it. */
  | {
      readonly kind: "embedding";
      readonly epoch: number;
      readonly region: Rectangle | null;
      readonly picture: Size;
      readonly bytes: ArrayBuffer;
    }
  | { readonly kind: "decode"; readonly epoch: number; readonly request: DecodeRequest }
  | { readonly kind: "edit"; readonly request: EditRequest }
  | {
      readonly kind: "click_start";
      readonly files: ClickFiles;
      readonly threads: number;
      readonly gpu: boolean;
    }
  | { readonly kind: "click"; readonly request: ClickRequest }
  /** The interactive model is let go. */
  | { readonly kind: "click_stop" }
  /** Another picture is open (-1: none): what only that of before needed is let go. */
  | { readonly kind: "leave"; readonly epoch: number }
  | { readonly kind: "restore"; readonly step: number }
  | { readonly kind: "adopt"; readonly step: number; readonly result: StepResult }
  /** Steps that nothing can reach any more, or that are kept elsewhere. */
  | { readonly kind: "forget"; readonly steps: readonly number[] }
  | { readonly kind: "summarise"; readonly masks: readonly MaskRef[] }
  | { readonly kind: "mask_png"; readonly masks: readonly MaskRef[] }
  | { readonly kind: "cut_out"; readonly masks: readonly MaskRef[]; readonly source: Blob };

/** What each task answers. */
export interface Answers {
  start: EngineInfo;
  embedding: null;
  decode: DecodeResult;
  edit: StepResult;
  click_start: null;
  click: StepResult;
  click_stop: null;
  leave: null;
  restore: StepResult | null;
  adopt: null;
  forget: null;
  summarise: MaskSummary[];
  mask_png: Blob;
  cut_out: Blob;
}

export type Call = Task & { readonly ticket: number };

/** `stale`: of another picture or model; `runtime`: ONNX Runtime failed; `picture`: its pixels cannot be had; `self_test`: it answers wrongly; `crashed`: the worker died. */
export type FailureCode =
  "stale" | "runtime" | "picture" | "self_test" | "revision" | "crashed" | "timeout" | "empty" | "internal";

export type Reply =
  | { readonly kind: "answer"; readonly ticket: number; readonly value: Answers[keyof Answers] }
  | { readonly kind: "failure"; readonly ticket: number; readonly code: FailureCode; readonly message: string }
  | { readonly kind: "engine"; readonly info: EngineInfo }
  /** Where the interactive model looks. */
  | { readonly kind: "look"; readonly target: Rectangle };

export class DecodeError extends Error {
  constructor(
    readonly code: FailureCode,
    message: string,
  ) {
    super(message);
  }
}
