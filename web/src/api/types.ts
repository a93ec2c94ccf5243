/** The wire's shapes that the page uses. */
export interface UploadedImage {
  id: string;
  width: number;
  height: number;
  model: string;
  revision: string;
  cached: boolean;
  embedding_url: string;
  expires_at: string;
}

export interface ModelFile {
  url: string;
  bytes: number;
  sha256: string;
  role: string;
}

export interface ModelSummary {
  id: string;
  revision: string;
  kind: string;
  title: string;
  license: string;
  description: string;
  preprocessing: { size: number };
  embedding: { name: string; shape: number[]; wire_dtype: string }[];
  decoder: {
    mask_height: number;
    mask_width: number;
    single_mask_index: number;
    multi_mask_indices: number[];
  };
  mask_threshold: number;
  files: Record<string, ModelFile>;
}

export interface ModelList {
  default: string;
  models: ModelSummary[];
}

export interface PredictRequest {
  image: { id: string };
  model: string;
  prompts: {
    point_coords?: [number, number][];
    point_labels?: number[];
    box?: [number, number, number, number];
    mask_input?: { logits: string; shape: [number, number] };
  }[];
  multimask_output: boolean;
  format: "logits";
}

export interface PredictResponse {
  results: {
    masks: {
      index: number;
      predicted_iou: number;
      segmentation: { shape: number[]; dtype: string; data: string };
    }[];
  }[];
}
