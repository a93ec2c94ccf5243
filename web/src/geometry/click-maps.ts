import { toInput } from "./crops";
import type { ImagePoint } from "./frames";
import type { Rectangle } from "./mask";
import type { Raster } from "./raster";
import { emptyRaster, trimmed, withArea } from "./raster";

/** Clicks as an interactive model sees them, and the piece of a change that a click is about. */

export interface Click {
  readonly point: ImagePoint;
  /** Belongs to the object. */
  readonly positive: boolean;
}

const pixelOf = ({ point }: Click): string => `${Math.floor(point.x)},${Math.floor(point.y)}`;

/** Without those on whose pixel a later click lies: the last one wins. */
export function standing(clicks: readonly Click[]): readonly Click[] {
  const last = new Map(clicks.map((click, index) => [pixelOf(click), index]));
  return clicks.filter((click, index) => last.get(pixelOf(click)) === index);
}

/**
 * Disks of the foreground and then of the background clicks, 2 x size x size, `radius` in pixels of the input; a later
 * disk takes its pixels from the other channel.
 */
export function drawDisks(clicks: readonly Click[], crop: Rectangle, size: number, radius: number): Float32Array {
  const maps = new Float32Array(2 * size * size);
  for (const { point, positive } of clicks) {
    const { x: cx, y: cy } = toInput(crop, point.x, point.y, size);
    const [x1, x2] = [Math.max(0, Math.floor(cx - radius)), Math.min(size, Math.ceil(cx + radius) + 1)];
    const [y1, y2] = [Math.max(0, Math.floor(cy - radius)), Math.min(size, Math.ceil(cy + radius) + 1)];
    for (let y = y1; y < y2; y++) {
      for (let x = x1; x < x2; x++) {
        if ((x + 0.5 - cx) ** 2 + (y + 0.5 - cy) ** 2 > radius ** 2) continue;
        maps[y * size + x] = positive ? 1 : 0;
        maps[(size + y) * size + x] = positive ? 0 : 1;
      }
    }
  }
  return maps;
}

/** Pixels that are set in one of two masks of the same picture and not in the other. */
export function changed(a: Raster, b: Raster): Raster {
  if (a.area.width === 0) return b;
  if (b.area.width === 0) return a;
  const x = Math.min(a.area.x, b.area.x);
  const y = Math.min(a.area.y, b.area.y);
  const width = Math.max(a.area.x + a.area.width, b.area.x + b.area.width) - x;
  const height = Math.max(a.area.y + a.area.height, b.area.y + b.area.height) - y;
  const area = { x, y, width, height };
  const [one, two] = [withArea(a, area).data, withArea(b, area).data];
  for (let i = 0; i < one.length; i++) one[i] = (one[i] ?? 0) ^ (two[i] ?? 0);
  return trimmed({ picture: a.picture, area, data: one });
}

/**
 * The part (corners touch) of a mask that holds a pixel, or, where that is none of it, the part with the pixel nearest to
 * it, the first in reading order among equals; empty where the mask is.
 */
export function partAt(raster: Raster, point: ImagePoint): Raster {
  const { area, data, picture } = raster;
  const seed = nearest(raster, Math.floor(point.x) - area.x, Math.floor(point.y) - area.y);
  if (seed < 0) return emptyRaster(picture);
  const { width, height } = area;
  const out = new Uint8Array(data.length);
  const stack = [seed];
  out[seed] = 1;
  for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
    const [x, y] = [at % width, Math.floor(at / width)];
    for (let j = Math.max(y - 1, 0); j <= Math.min(y + 1, height - 1); j++) {
      for (let i = Math.max(x - 1, 0); i <= Math.min(x + 1, width - 1); i++) {
        const next = j * width + i;
        if (data[next] !== 1 || out[next] === 1) continue;
        out[next] = 1;
        stack.push(next);
      }
    }
  }
  return trimmed({ picture, area, data: out });
}

/** Index of the set pixel nearest to a place (in the area's pixels); −1: none. */
function nearest({ area, data }: Raster, column: number, row: number): number {
  const { width, height } = area;
  if (column >= 0 && row >= 0 && column < width && row < height && data[row * width + column] === 1)
    return row * width + column;
  let [best, found] = [Infinity, -1];
  for (let i = 0; i < data.length; i++) {
    if (data[i] !== 1) continue;
    const away = ((i % width) - column) ** 2 + (Math.floor(i / width) - row) ** 2;
    if (away < best) [best, found] = [away, i];
  }
  return found;
}
