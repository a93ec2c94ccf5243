import { download, matchesSha256 } from "../../api/client";
import { ApiProblem } from "../../api/problem";
import type { RetryOptions } from "../../api/retry";
import { withRetry } from "../../api/retry";
import type { ModelFile, ModelSummary } from "../../api/types";
import type { DecoderSpec } from "../../decode/protocol";
import type { ResizeRule } from "../../geometry/resize";

/** A bundle's browser half, checked against its hashes. */
export interface LoadedModel {
  readonly id: string;
  readonly revision: string;
  readonly inputSize: number;
  readonly resize: ResizeRule;
  readonly threshold: number;
  readonly spec: DecoderSpec;
  readonly decoder: ArrayBuffer;
  readonly golden: ArrayBuffer | null;
}

export async function loadModel(
  model: ModelSummary,
  signal: AbortSignal,
  progress: (part: number) => void,
  onWait: NonNullable<RetryOptions["onWait"]>,
): Promise<LoadedModel> {
  const file = fileFor(model, "decoder");
  if (file === undefined) throw new ApiProblem(404, "decoder_missing", "", "", null);
  const golden = fileFor(model, "golden");
  const [decoder, vectors] = await Promise.all([
    fetchFile(file, signal, onWait, progress),
    golden === undefined ? null : fetchFile(golden, signal, onWait),
  ]);
  return {
    id: model.id,
    revision: model.revision,
    inputSize: model.preprocessing.size,
    resize: model.preprocessing.resize,
    threshold: model.mask_threshold,
    spec: specOf(model),
    decoder,
    golden: vectors,
  };
}

export function fileFor(model: ModelSummary, role: string): ModelFile | undefined {
  return Object.values(model.files).find((file) => file.role === role);
}

export async function fetchFile(
  file: ModelFile,
  signal: AbortSignal,
  onWait: NonNullable<RetryOptions["onWait"]>,
  progress?: (part: number) => void,
): Promise<ArrayBuffer> {
  const report = (loaded: number): void => progress?.(Math.min(loaded / file.bytes, 1));
  const bytes = await withRetry(() => download(file.url, signal, report), { signal, onWait });
  if (!(await matchesSha256(bytes, file.sha256))) throw new ApiProblem(200, "decoder_damaged", "", "", null);
  return bytes;
}

function specOf(model: ModelSummary): DecoderSpec {
  return {
    revision: model.revision,
    embeddingNames: model.embedding.map((tensor) => tensor.name),
    maskWidth: model.decoder.mask_width,
    maskHeight: model.decoder.mask_height,
    singleMaskIndex: model.decoder.single_mask_index,
    multiMaskIndices: model.decoder.multi_mask_indices,
    maskThreshold: model.mask_threshold,
    paddingIsNeutral: model.decoder.padding_is_neutral,
  };
}
