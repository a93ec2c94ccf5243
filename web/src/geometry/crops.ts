import type { ImagePoint, Size } from "./frames";
import type { PlacedLogits, Rectangle } from "./mask";
import type { Raster } from "./raster";

/**
 * Where an interactive model looks: crops of the picture, stretched to the square input of a graph. The twin of
 * server/domain/crops.py; tests/golden/click_loop.json holds both to the same numbers.
 */

/** The shorter side of a crop is at least this share of the longer. */
const GROWN = 2 / 3;
/** An exact half goes up whatever the arithmetic before it. */
const HALF = 0.501;

/** A rectangle by its edges, in ImagePx. */
export interface Span {
  readonly x1: number;
  readonly y1: number;
  readonly x2: number;
  readonly y2: number;
}

export const wholeOf = ({ width, height }: Size): Rectangle => ({ x: 0, y: 0, width, height });

export const spanOf = ({ x, y, width, height }: Rectangle): Span => ({ x1: x, y1: y, x2: x + width, y2: y + height });

/** About a mask (where it has pixels) and points. */
export function spanAbout({ area }: Raster, points: readonly ImagePoint[]): Span {
  const { x1, y1, x2, y2 } = spanOf(area);
  const [xs, ys] = [points.map(({ x }) => x as number), points.map(({ y }) => y as number)];
  return { x1: Math.min(x1, ...xs), y1: Math.min(y1, ...ys), x2: Math.max(x2, ...xs), y2: Math.max(y2, ...ys) };
}

/**
 * The crop for a span: its sides `expansion` as long and at least `smallest`, the shorter one grown to two thirds of the
 * longer, about the same middle; what is outside `within` is cut off.
 */
export function cropAround(span: Span, within: Rectangle, expansion: number, smallest: number): Rectangle {
  const lengths = [span.x2 - span.x1, span.y2 - span.y1].map((length) => Math.max(expansion * length, smallest));
  const least = GROWN * Math.max(...lengths);
  const [halfX = 0, halfY = 0] = lengths.map((length) => Math.max(length, least) / 2);
  const [x, y] = [(span.x1 + span.x2) / 2, (span.y1 + span.y2) / 2];
  const left = Math.max(within.x, Math.floor(x - halfX));
  const top = Math.max(within.y, Math.floor(y - halfY));
  const right = Math.min(within.x + within.width, Math.ceil(x + halfX));
  const bottom = Math.min(within.y + within.height, Math.ceil(y + halfY));
  return { x: left, y: top, width: right - left, height: bottom - top };
}

/** ImagePx -> pixels of the input that the crop is stretched to. */
export function toInput(crop: Rectangle, x: number, y: number, size: number): { x: number; y: number } {
  return { x: ((x - crop.x) * size) / crop.width, y: ((y - crop.y) * size) / crop.height };
}

/** Logits that cover a crop, as a mask's. */
export function placedOn(
  crop: Rectangle,
  picture: Size,
  logits: { readonly data: Float32Array; readonly width: number; readonly height: number },
  threshold: number,
): PlacedLogits {
  const scale = { x: logits.width / crop.width, y: logits.height / crop.height };
  return { ...logits, picture, region: crop, scale, threshold };
}

/** RGBA or any four bytes a pixel, row-major. */
export interface Pixels {
  readonly data: Uint8ClampedArray | Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** Half as large, odd sides repeat their last line: (a + b + c + d + 2) >> 2. */
export function halved({ data, width, height }: Pixels): Pixels {
  const [w, h] = [Math.ceil(width / 2), Math.ceil(height / 2)];
  const out = new Uint8Array(w * h * 4);
  for (let y = 0; y < h; y++) {
    const top = 2 * y * width * 4;
    const bottom = Math.min(2 * y + 1, height - 1) * width * 4;
    for (let x = 0; x < w; x++) {
      const left = 2 * x * 4;
      const right = Math.min(2 * x + 1, width - 1) * 4;
      const at = (y * w + x) * 4;
      for (let c = 0; c < 3; c++) {
        const sum =
          (data[top + left + c] ?? 0) +
          (data[top + right + c] ?? 0) +
          (data[bottom + left + c] ?? 0) +
          (data[bottom + right + c] ?? 0);
        out[at + c] = (sum + 2) >> 2;
      }
    }
  }
  return { data: out, width: w, height: h };
}

/** How often the picture is halved before a crop is read: a pixel of the input is then 1 to 2 pixels long. */
export function levelOf(crop: Rectangle, size: number): number {
  return Math.max(0, Math.floor(Math.log2(Math.max(crop.width, crop.height) / size)));
}

interface Taps {
  readonly low: Int32Array;
  readonly high: Int32Array;
  readonly share: Float64Array;
}

/** Where the pixels of the input lie among `count` pixels of `step` ImagePx; indices are clamped. */
function tapsOf(from: number, length: number, size: number, step: number, count: number): Taps {
  const taps = { low: new Int32Array(size), high: new Int32Array(size), share: new Float64Array(size) };
  for (let i = 0; i < size; i++) {
    const at = (from + ((i + 0.5) * length) / size) / step - 0.5;
    const base = Math.floor(at);
    taps.low[i] = Math.min(Math.max(base, 0), count - 1);
    taps.high[i] = Math.min(Math.max(base + 1, 0), count - 1);
    taps.share[i] = at - base;
  }
  return taps;
}

/**
 * A crop as RGB, size x size, row-major. `read` gives a window of the picture halved `level` times, in that level's pixels.
 */
export function samplePixels(
  read: (window: Rectangle, level: number) => Pixels,
  picture: Size,
  crop: Rectangle,
  size: number,
): Uint8Array {
  const level = levelOf(crop, size);
  const step = 2 ** level;
  const count = { width: Math.ceil(picture.width / step), height: Math.ceil(picture.height / step) };
  const columns = tapsOf(crop.x, crop.width, size, step, count.width);
  const rows = tapsOf(crop.y, crop.height, size, step, count.height);
  const window = {
    x: columns.low[0] ?? 0,
    y: rows.low[0] ?? 0,
    width: (columns.high[size - 1] ?? 0) - (columns.low[0] ?? 0) + 1,
    height: (rows.high[size - 1] ?? 0) - (rows.low[0] ?? 0) + 1,
  };
  const { data } = read(window, level);
  const out = new Uint8Array(size * size * 3);
  for (let j = 0; j < size; j++) {
    const top = ((rows.low[j] ?? 0) - window.y) * window.width;
    const bottom = ((rows.high[j] ?? 0) - window.y) * window.width;
    const down = rows.share[j] ?? 0;
    for (let i = 0; i < size; i++) {
      const left = (columns.low[i] ?? 0) - window.x;
      const right = (columns.high[i] ?? 0) - window.x;
      const along = columns.share[i] ?? 0;
      for (let c = 0; c < 3; c++) {
        const a = data[(top + left) * 4 + c] ?? 0;
        const b = data[(top + right) * 4 + c] ?? 0;
        const d = data[(bottom + left) * 4 + c] ?? 0;
        const e = data[(bottom + right) * 4 + c] ?? 0;
        const upper = a + (b - a) * along;
        const lower = d + (e - d) * along;
        out[(j * size + i) * 3 + c] = Math.floor(upper + (lower - upper) * down + HALF);
      }
    }
  }
  return out;
}

/** A mask in a crop, 0 to 1, size x size: bilinear at the same places as the crop's pixels. */
export function sampleMask(raster: Raster, crop: Rectangle, size: number): Float32Array {
  const { picture, area, data } = raster;
  const columns = tapsOf(crop.x, crop.width, size, 1, picture.width);
  const rows = tapsOf(crop.y, crop.height, size, 1, picture.height);
  const at = (x: number, y: number): number =>
    x < area.x || y < area.y || x >= area.x + area.width || y >= area.y + area.height
      ? 0
      : (data[(y - area.y) * area.width + x - area.x] ?? 0);
  const out = new Float32Array(size * size);
  for (let j = 0; j < size; j++) {
    const [top, bottom, down] = [rows.low[j] ?? 0, rows.high[j] ?? 0, rows.share[j] ?? 0];
    for (let i = 0; i < size; i++) {
      const [left, right, along] = [columns.low[i] ?? 0, columns.high[i] ?? 0, columns.share[i] ?? 0];
      const upper = at(left, top) + (at(right, top) - at(left, top)) * along;
      const lower = at(left, bottom) + (at(right, bottom) - at(left, bottom)) * along;
      out[j * size + i] = upper + (lower - upper) * down;
    }
  }
  return out;
}
