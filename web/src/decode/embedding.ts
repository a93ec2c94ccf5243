import type { Size } from "../geometry/frames";
import type { Rectangle } from "../geometry/mask";
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

/** `region`: the part of the picture that was encoded; without one the encoded pixels are the picture. */
export function readEmbedding(bytes: ArrayBuffer, expected: ExpectedEmbedding, region?: EncodedRegion): Embedding {
  const file = readSafeTensors(bytes);
  if (file.metadata.format !== "segserve-embedding/1") throw new SafeTensorsError("This is not an embedding.");
  const revision = file.metadata.revision ?? "";
  if (revision !== expected.revision) {
    throw new RevisionMismatch(`The embedding is of revision ${revision}, the decoder of ${expected.revision}.`);
  }
  return {
    tensors: namedTensors(file, expected.names, ""),
    imageId: file.metadata.image_id ?? "",
    placement: placementOf(file, region),
  };
}

export function namedTensors(file: SafeTensors, names: readonly string[], prefix: string): NamedTensor[] {
  const scales = JSON.parse(file.metadata.scales ?? "{}") as Record<string, number[] | undefined>;
  return names.map((name) => {
    const tensor = tensorOf(file, prefix + name);
    return { name, data: floatsOf(tensor, scales[name] ?? scales[prefix + name]), shape: tensor.shape };
  });
}

/** A part of a picture, whose own pixels were sent to the server. */
export interface EncodedRegion {
  readonly picture: Size;
  readonly area: Rectangle;
}

function placementOf(file: SafeTensors, region?: EncodedRegion): Placement {
  const number = (key: string): number => {
    const value = Number(file.metadata[key]);
    if (!Number.isInteger(value) || value < 1) throw new SafeTensorsError(`The embedding's ${key} is not a size.`);
    return value;
  };
  const [width, height] = [number("original_width"), number("original_height")];
  return {
    picture: region?.picture ?? { width, height },
    x: region?.area.x ?? 0,
    y: region?.area.y ?? 0,
    width,
    height,
    inputWidth: number("input_width"),
    inputHeight: number("input_height"),
    size: number("input_size"),
  };
}
