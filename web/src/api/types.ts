import type { components } from "./schema";

/** The wire's shapes: from the OpenAPI schema, made narrower where the schema says only "an object". */
type Schema = components["schemas"];

export type UploadedImage = Schema["UploadAnswer"];
export type ModelFile = Schema["ModelFile"];
export type PredictRequest = Schema["PredictRequest"];

/** docs/bundle-format.md describes these parts of the manifest. */
interface ManifestParts {
  readonly preprocessing: { readonly size: number; readonly resize: "longest_side" | "square" };
  /** Of interactive bundles. */
  readonly interactive?: {
    readonly disk_radius: number;
    readonly expansion: number;
    readonly smallest_target: number;
    readonly smallest_focus: number;
    readonly merge_from: number;
    readonly look_twice: boolean;
    readonly score_slope: number;
    readonly score_offset: number;
  } | null;
  readonly embedding: readonly { readonly name: string }[];
  /** Of promptable bundles. */
  readonly decoder: {
    readonly mask_height: number;
    readonly mask_width: number;
    readonly single_mask_index: number;
    readonly multi_mask_indices: readonly number[];
    readonly padding_is_neutral: boolean;
  };
}

/** Of servers that keep an eye on their models: whether this one is in memory, its usual encode, what it takes there. */
interface Serving {
  readonly state?: "idle" | "loading" | "ready";
  readonly encode_ms?: number | null;
  readonly memory_bytes?: number | null;
}

/** Measured where the bundle was made. */
interface Speed {
  readonly encode_ms: number;
  readonly decode_ms: number;
  readonly threads: number;
  readonly machine: string;
}

interface Narrowed extends ManifestParts, Serving {
  readonly speed?: Speed | null;
}

export type ModelSummary = Omit<Schema["ModelAnswer"], keyof Narrowed> & Narrowed;
export type ModelList = Omit<Schema["ModelsAnswer"], "models"> & { readonly models: readonly ModelSummary[] };

/** `format: "logits"`: base64 of little-endian float16. */
export interface LogitsSegmentation {
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly data: string;
}

type LogitsMask = Omit<Schema["MaskAnswer"], "segmentation"> & { readonly segmentation: LogitsSegmentation };

export interface PredictedLogits {
  readonly revision: string;
  readonly results: readonly { readonly masks: readonly LogitsMask[] }[];
}
