import type { ImagePoint, ModelPoint, Size } from "./frames";
import { imagePoint, modelPoint } from "./frames";

/** The manifest's rules: `longest_side` keeps the proportion and pads bottom right, `square` stretches both sides to S. */
export type ResizeRule = "longest_side" | "square";

/** Where the picture lies inside the S x S input: `inputWidth` x `inputHeight`, top left. */
export interface Placement {
  readonly width: number;
  readonly height: number;
  readonly inputWidth: number;
  readonly inputHeight: number;
  readonly size: number;
}

export function place(image: Size, size: number, rule: ResizeRule): Placement {
  if (rule === "square") {
    return { width: image.width, height: image.height, inputWidth: size, inputHeight: size, size };
  }
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
