import type { Size } from "../geometry/frames";
import { imagePoint } from "../geometry/frames";
import type { Prompt } from "../geometry/prompt";
import type { Placement } from "../geometry/resize";
import { toModel } from "../geometry/resize";

/** The decoder's prompt inputs for B prompts of N points; float32, ModelPx. */
export interface DecoderInputs {
  readonly batch: number;
  readonly points: number;
  readonly coords: Float32Array;
  readonly labels: Float32Array;
  readonly mask: Float32Array;
  readonly hasMask: Float32Array;
}

const TOP_LEFT = 2;
const BOTTOM_RIGHT = 3;
const PADDING = -1;

/** One prompt: its points in order, then the box's corners; without a box one padding point, where that means something. */
export function decoderInputs(
  prompt: Prompt,
  placement: Placement,
  mask: Float32Array | null,
  grid: Size,
  paddingIsNeutral: boolean,
): DecoderInputs {
  const coords: number[] = [];
  const labels: number[] = [];
  const add = (x: number, y: number, label: number): void => {
    coords.push(x, y);
    labels.push(label);
  };
  for (const point of prompt.points) {
    const at = toModel(placement, point.at);
    add(at.x, at.y, point.label);
  }
  if (prompt.box === null) {
    if (!paddingIsNeutral || labels.length === 0) add(0, 0, PADDING);
  } else {
    const low = toModel(placement, imagePoint(prompt.box.x1, prompt.box.y1));
    const high = toModel(placement, imagePoint(prompt.box.x2, prompt.box.y2));
    add(low.x, low.y, TOP_LEFT);
    add(high.x, high.y, BOTTOM_RIGHT);
  }
  return {
    batch: 1,
    points: labels.length,
    coords: Float32Array.from(coords),
    labels: Float32Array.from(labels),
    mask: mask ?? new Float32Array(grid.width * grid.height),
    hasMask: Float32Array.of(mask === null ? 0 : 1),
  };
}
