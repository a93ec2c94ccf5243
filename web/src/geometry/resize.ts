import type { ImagePoint, ModelPoint, Size } from "./frames";
import { imagePoint, modelPoint } from "./frames";

/** The manifest's rules: `longest_side` keeps the proportion and pads bottom right, `square` stretches both sides to S. */
export type ResizeRule = "longest_side" | "square";

/**
 * What was encoded, and where it lies inside the S x S input: the picture, or the part of it `width` x `height` whose corner
 * is `x`, `y`, fills `inputWidth` x `inputHeight`, top left.
 */
export interface Placement {
  readonly picture: Size;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly inputWidth: number;
  readonly inputHeight: number;
  readonly size: number;
}

/** The whole picture by the manifest's rule. */
export function place(picture: Size, size: number, rule: ResizeRule): Placement {
  const { width, height } = picture;
  const scale = size / Math.max(width, height);
  const fit = (side: number): number => (rule === "square" ? size : Math.max(1, Math.floor(side * scale + 0.5)));
  return { picture, x: 0, y: 0, width, height, inputWidth: fit(width), inputHeight: fit(height), size };
}

export function toModel(placement: Placement, point: ImagePoint): ModelPoint {
  return modelPoint(
    ((point.x - placement.x) * placement.inputWidth) / placement.width,
    ((point.y - placement.y) * placement.inputHeight) / placement.height,
  );
}

export function fromModel(placement: Placement, point: ModelPoint): ImagePoint {
  return imagePoint(
    placement.x + (point.x * placement.width) / placement.inputWidth,
    placement.y + (point.y * placement.height) / placement.inputHeight,
  );
}
