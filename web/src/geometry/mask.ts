import type { Size } from "./frames";
import type { Raster } from "./raster";
import { trimmed } from "./raster";
import type { Placement } from "./resize";

/** Values on a grid, row-major: a decoder's logits (its whole S x S input, padding included) or a binary mask's 0 and 1. */
export interface Grid {
  readonly data: Float32Array | Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** Whole or broken pixels of the picture. */
export interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A grid with all that makes a mask of it: where in the picture it lies, and above what a pixel is in the mask. */
export interface PlacedLogits extends Grid {
  readonly picture: Size;
  /** What the grid covers, from its first cell on; nothing outside it is in the mask. */
  readonly region: Rectangle;
  /** Cells per image pixel. */
  readonly scale: { readonly x: number; readonly y: number };
  readonly threshold: number;
}

export function placed(grid: Grid, placement: Placement, threshold: number): PlacedLogits {
  const { data, width, height } = grid;
  const region = { x: placement.x, y: placement.y, width: placement.width, height: placement.height };
  return { data, width, height, picture: placement.picture, region, scale: logitScale(placement, grid), threshold };
}

/** A binary mask as a grid of one cell a pixel. */
export function rasterAsLogits({ picture, area, data }: Raster): PlacedLogits {
  const { width, height } = area;
  return { data, width, height, picture, region: area, scale: { x: 1, y: 1 }, threshold: 0.5 };
}

/** One axis of the sampling: for each image pixel the two logit indices and the weight of the second. */
interface Axis {
  readonly low: Int32Array;
  readonly high: Int32Array;
  readonly weight: Float64Array;
}

/** u = (X + 0.5) * scale - 0.5, X from the region's corner on; indices are clamped to the grid. */
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

/** Cells per image pixel, in_w / W * w / S: how far u moves when x moves by one, and the same for v. */
export function logitScale(placement: Placement, grid: Size): { x: number; y: number } {
  return {
    x: ((placement.inputWidth / placement.width) * grid.width) / placement.size,
    y: ((placement.inputHeight / placement.height) * grid.height) / placement.size,
  };
}

/** Bilinear samples at the pixel centres of a rectangle of the picture inside the grid's region, float32, row-major. */
export function upsample(logits: PlacedLogits, area: Rectangle = logits.region): Float32Array {
  const { width, height } = area;
  const { data, scale, region } = logits;
  const [x, y] = [area.x - region.x, area.y - region.y];
  const columns = axisOf(x, x + width, scale.x, logits.width);
  const rows = axisOf(y, y + height, scale.y, logits.height);
  const out = new Float32Array(width * height);
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

/** The mask itself: set where the upsampled logit is greater than the threshold; only so much is held as is needed. */
export function rasterOf(logits: PlacedLogits): Raster {
  const { picture, threshold, data } = logits;
  if (data instanceof Uint8Array) return { picture, area: logits.region, data };
  const area = reach(logits);
  const out = new Uint8Array(area.width * area.height);
  const step = Math.max(1, Math.floor(262_144 / Math.max(area.width, 1)));
  for (let from = 0; from < area.height; from += step) {
    const rows = Math.min(step, area.height - from);
    const values = upsample(logits, { x: area.x, y: area.y + from, width: area.width, height: rows });
    const start = from * area.width;
    for (let i = 0; i < values.length; i++) if ((values[i] ?? 0) > threshold) out[start + i] = 1;
  }
  return trimmed({ picture, area, data: out });
}

/** What two rectangles share; without anything shared, no width or no height. */
export function intersection(a: Rectangle, b: Rectangle): Rectangle {
  const x = Math.max(a.x, b.x);
  const y = Math.max(a.y, b.y);
  const width = Math.max(Math.min(a.x + a.width, b.x + b.width) - x, 0);
  const height = Math.max(Math.min(a.y + a.height, b.y + b.height) - y, 0);
  return { x, y, width, height };
}

/** One pixel more on each side, for the soft edge. */
export const wider = ({ x, y, width, height }: Rectangle): Rectangle => ({
  x: x - 1,
  y: y - 1,
  width: width + 2,
  height: height + 2,
});

/** Cells above the threshold; null: none. */
export function occupiedCells({ data, width, height, threshold }: PlacedLogits): Rectangle | null {
  let [left, top, right, bottom] = [width, height, -1, -1];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if ((data[y * width + x] ?? 0) <= threshold) continue;
      if (x < left) left = x;
      if (x > right) right = x;
      if (y < top) top = y;
      bottom = y;
    }
  }
  return right < 0 ? null : { x: left, y: top, width: right - left + 1, height: bottom - top + 1 };
}

/** Whole pixels that can be in the mask: a set cell reaches as far as its neighbours' centres. */
function reach(logits: PlacedLogits): Rectangle {
  const cells = occupiedCells(logits);
  const { region, scale } = logits;
  if (cells === null) return { x: region.x, y: region.y, width: 0, height: 0 };
  const left = Math.max(Math.floor((cells.x - 0.5) / scale.x), 0);
  const top = Math.max(Math.floor((cells.y - 0.5) / scale.y), 0);
  const right = Math.min(Math.ceil((cells.x + cells.width + 0.5) / scale.x), region.width);
  const bottom = Math.min(Math.ceil((cells.y + cells.height + 0.5) / scale.y), region.height);
  return { x: region.x + left, y: region.y + top, width: right - left, height: bottom - top };
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
