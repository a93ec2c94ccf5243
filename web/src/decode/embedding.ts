import type { Placement } from "../geometry/resize";
import type { SafeTensors } from "./safetensors";
import { floatsOf, readSafeTensors, SafeTensorsError, tensorOf } from "./safetensors";

export interface NamedTensor {
  readonly name: string;
  readonly data: Float32Array;
  readonly shape: readonly number[];
}

/** One picture's embedding, ready for the decoder: float32 [1, C, H, W] by name. */
export interface Embedding {
  readonly tensors: readonly NamedTensor[];
  readonly imageId: string;
  readonly placement: Placement;
}

export class RevisionMismatch extends Error {}

/** Names of the embedding's tensors and the revision of the decoder that will read them. */
export interface ExpectedEmbedding {
  readonly revision: string;
  readonly names: readonly string[];
}

export function readEmbedding(bytes: ArrayBuffer, expected: ExpectedEmbedding): Embedding {
  const file = readSafeTensors(bytes);
  if (file.metadata.format !== "segserve-embedding/1") throw new SafeTensorsError("This is not an embedding.");
  const revision = file.metadata.revision ?? "";
  if (revision !== expected.revision) {
    throw new RevisionMismatch(`The embedding is of revision ${revision}, the decoder of ${expected.revision}.`);
  }
  return {
    tensors: namedTensors(file, expected.names, ""),
    imageId: file.metadata.image_id ?? "",
    placement: placementOf(file),
  };
}

export function namedTensors(file: SafeTensors, names: readonly string[], prefix: string): NamedTensor[] {
  const scales = JSON.parse(file.metadata.scales ?? "{}") as Record<string, number[] | undefined>;
  return names.map((name) => {
    const tensor = tensorOf(file, prefix + name);
    return { name, data: floatsOf(tensor, scales[name] ?? scales[prefix + name]), shape: tensor.shape };
  });
}

function placementOf(file: SafeTensors): Placement {
  const number = (key: string): number => {
    const value = Number(file.metadata[key]);
    if (!Number.isInteger(value) || value < 1) throw new SafeTensorsError(`The embedding's ${key} is not a size.`);
    return value;
  };
  return {
    width: number("original_width"),
    height: number("original_height"),
    inputWidth: number("input_width"),
    inputHeight: number("input_height"),
    size: number("input_size"),
  };
}
