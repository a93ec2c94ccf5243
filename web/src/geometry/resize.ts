import type { ImagePoint, ModelPoint, Size } from "./frames";
import { imagePoint, modelPoint } from "./frames";

/** Where the picture lies inside the S x S input: resized so that the longest side is S, then padded bottom right. */
export interface Placement {
  readonly width: number;
  readonly height: number;
  readonly inputWidth: number;
  readonly inputHeight: number;
  readonly size: number;
}

export function place(image: Size, size: number): Placement {
  const scale = size / Math.max(image.width, image.height);
  const inputWidth = Math.max(1, Math.floor(image.width * scale + 0.5));
  const inputHeight = Math.max(1, Math.floor(image.height * scale + 0.5));
  return { width: image.width, height: image.height, inputWidth, inputHeight, size };
}

export function toModel(placement: Placement, point: ImagePoint): ModelPoint {
  return modelPoint(
    (point.x * placement.inputWidth) / placement.width,
    (point.y * placement.inputHeight) / placement.height,
  );
}

export function fromModel(placement: Placement, point: ModelPoint): ImagePoint {
  return imagePoint(
    (point.x * placement.width) / placement.inputWidth,
    (point.y * placement.height) / placement.inputHeight,
  );
}
