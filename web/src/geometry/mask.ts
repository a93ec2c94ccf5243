import type { Placement } from "./resize";

/** Mask logits at the decoder's resolution, row-major, covering the whole S x S input (padding included). */
export interface Logits {
  readonly data: Float32Array;
  readonly width: number;
  readonly height: number;
}

/** Logits with all that makes a mask of them: how their model placed the picture, and above what a pixel is in the mask. */
export interface PlacedLogits extends Logits {
  readonly placement: Placement;
  readonly threshold: number;
}

/** One axis of the sampling: for each image pixel the two logit indices and the weight of the second. */
interface Axis {
  readonly low: Int32Array;
  readonly high: Int32Array;
  readonly weight: Float64Array;
}

/** u = (X + 0.5) * scale - 0.5 with scale = in_w / W * w / S; indices are clamped to the grid. */
function axisOf(from: number, to: number, scale: number, cells: number): Axis {
  const count = to - from;
  const low = new Int32Array(count);
  const high = new Int32Array(count);
  const weight = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const u = (from + i + 0.5) * scale - 0.5;
    const base = Math.floor(u);
    low[i] = Math.min(Math.max(base, 0), cells - 1);
    high[i] = Math.min(Math.max(base + 1, 0), cells - 1);
    weight[i] = u - base;
  }
  return { low, high, weight };
}

/** Logits per image pixel: how far u moves when x moves by one, and the same for v. */
export function logitScale(placement: Placement, logits: { width: number; height: number }): { x: number; y: number } {
  return {
    x: ((placement.inputWidth / placement.width) * logits.width) / placement.size,
    y: ((placement.inputHeight / placement.height) * logits.height) / placement.size,
  };
}

export interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Bilinear samples of `logits` at the pixel centres of a rectangle of the image, float32, row-major. */
export function upsample(logits: Logits, placement: Placement, area?: Rectangle): Float32Array {
  const { x, y, width, height } = area ?? { x: 0, y: 0, width: placement.width, height: placement.height };
  const scale = logitScale(placement, logits);
  const columns = axisOf(x, x + width, scale.x, logits.width);
  const rows = axisOf(y, y + height, scale.y, logits.height);
  const out = new Float32Array(width * height);
  const { data } = logits;
  for (let j = 0; j < height; j++) {
    const top = (rows.low[j] ?? 0) * logits.width;
    const bottom = (rows.high[j] ?? 0) * logits.width;
    const fy = rows.weight[j] ?? 0;
    for (let i = 0; i < width; i++) {
      const left = columns.low[i] ?? 0;
      const right = columns.high[i] ?? 0;
      const fx = columns.weight[i] ?? 0;
      const a = data[top + left] ?? 0;
      const b = data[top + right] ?? 0;
      const c = data[bottom + left] ?? 0;
      const d = data[bottom + right] ?? 0;
      const upper = a + (b - a) * fx;
      const lower = c + (d - c) * fx;
      out[j * width + i] = upper + (lower - upper) * fy;
    }
  }
  return out;
}

/** The mask itself: 1 where the upsampled logit is greater than the threshold; row-major over the rectangle. */
export function binarise(logits: Logits, placement: Placement, threshold: number, area?: Rectangle): Uint8Array {
  const band = area ?? { x: 0, y: 0, width: placement.width, height: placement.height };
  const out = new Uint8Array(band.width * band.height);
  const step = Math.max(1, Math.floor(262_144 / band.width));
  for (let from = 0; from < band.height; from += step) {
    const rows = Math.min(step, band.height - from);
    const values = upsample(logits, placement, { x: band.x, y: band.y + from, width: band.width, height: rows });
    const start = from * band.width;
    for (let i = 0; i < values.length; i++) if ((values[i] ?? 0) > threshold) out[start + i] = 1;
  }
  return out;
}

/** Bounds [x, y, width, height] and pixel count of a mask; null when it is empty. */
export function boundsOf(mask: Uint8Array, width: number): (Rectangle & { area: number }) | null {
  const height = width === 0 ? 0 : mask.length / width;
  let [left, right, top, bottom, area] = [width, -1, height, -1, 0];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (mask[y * width + x] === 0) continue;
      area++;
      if (x < left) left = x;
      if (x > right) right = x;
      if (y < top) top = y;
      if (y > bottom) bottom = y;
    }
  }
  return area === 0 ? null : { x: left, y: top, width: right - left + 1, height: bottom - top + 1, area };
}

/** The joint mask of several of the same size; of masks that are made one by one, one at a time is held. */
export function union(masks: Iterable<Uint8Array>): Uint8Array {
  let out = new Uint8Array();
  for (const mask of masks) {
    if (out.length === 0) out = new Uint8Array(mask.length);
    for (let i = 0; i < out.length; i++) if (mask[i] === 1) out[i] = 1;
  }
  return out;
}

/** Intersection over union of two binary masks; two empty masks agree fully. */
export function iou(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let both = 0;
  let either = 0;
  for (let i = 0; i < a.length; i++) {
    const inA = (a[i] ?? 0) > 0;
    const inB = (b[i] ?? 0) > 0;
    if (inA && inB) both++;
    if (inA || inB) either++;
  }
  return either === 0 ? 1 : both / either;
}
