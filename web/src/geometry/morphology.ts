import type { Raster } from "./raster";
import { emptyRaster, trimmed, withArea } from "./raster";

/** Pixels within `pixels` of the mask, by Euclidean distance between centres. */
export function grown(raster: Raster, pixels: number): Raster {
  return thresholded(withMargin(raster, Math.ceil(pixels)), pixels, 1);
}

/** Pixels farther than `pixels` from every pixel outside the mask; the picture's border is no outside. */
export function shrunk(raster: Raster, pixels: number): Raster {
  return thresholded(withMargin(raster, 1), pixels, 0);
}

/**
 * Rounder edges: each pixel goes with the majority of the square of 2 radius + 1 about it, three box blurs making a
 * near-Gaussian one. A straight edge stays where it is, and what is much larger than the radius keeps its area.
 */
export function smoothed(raster: Raster, radius: number): Raster {
  const wide = withMargin(raster, radius * 3);
  const { width, height } = wide.area;
  let values: Float32Array = Float32Array.from(wide.data);
  for (let pass = 0; pass < 3; pass++) values = blurred(blurred(values, width, height, radius), height, width, radius);
  return trimmed({ ...wide, data: Uint8Array.from(values, (value) => (value > 0.5 ? 1 : 0)) });
}

/** Room about the mask, as far as the picture goes. */
export function withMargin(raster: Raster, margin: number): Raster {
  const { area, picture } = raster;
  if (area.width === 0) return raster;
  const x = Math.max(area.x - margin, 0);
  const y = Math.max(area.y - margin, 0);
  const right = Math.min(area.x + area.width + margin, picture.width);
  const bottom = Math.min(area.y + area.height + margin, picture.height);
  return withArea(raster, { x, y, width: right - x, height: bottom - y });
}

/** Set where the nearest pixel of `value` is no farther than the limit (value 1), or farther than it (value 0). */
function thresholded(raster: Raster, limit: number, value: 0 | 1): Raster {
  if (raster.area.width === 0) return emptyRaster(raster.picture);
  const squared = squaredDistances(raster, value);
  const data = Uint8Array.from(squared, (distance) => (distance <= limit * limit === (value === 1) ? 1 : 0));
  return trimmed({ ...raster, data });
}

/** Far enough for any picture, and small enough that its square is exact. */
const FAR = 1e9;

/**
 * Squared distance of each pixel to the nearest one of `value`, exactly, in linear time: the lower envelope of parabolas of
 * Felzenszwalb and Huttenlocher, "Distance Transforms of Sampled Functions" (2012), by columns and then by rows.
 */
function squaredDistances({ area, data }: Raster, value: 0 | 1): Float64Array {
  const { width, height } = area;
  const out = Float64Array.from(data, (set) => (set === value ? 0 : FAR));
  const envelope = new Envelope(Math.max(width, height));
  for (let x = 0; x < width; x++) envelope.pass(out, x, width, height);
  for (let y = 0; y < height; y++) envelope.pass(out, y * width, 1, width);
  return out;
}

class Envelope {
  readonly #values: Float64Array;
  readonly #roots: Int32Array;
  readonly #bounds: Float64Array;

  constructor(length: number) {
    this.#values = new Float64Array(length);
    this.#roots = new Int32Array(length);
    this.#bounds = new Float64Array(length + 1);
  }

  /** One row or column of `field`, `count` values from `start` on, in place. */
  pass(field: Float64Array, start: number, stride: number, count: number): void {
    const [values, roots, bounds] = [this.#values, this.#roots, this.#bounds];
    for (let i = 0; i < count; i++) values[i] = field[start + i * stride] ?? FAR;
    let last = 0;
    roots[0] = 0;
    bounds[0] = -Infinity;
    bounds[1] = Infinity;
    for (let q = 1; q < count; q++) {
      const high = (values[q] ?? 0) + q * q;
      let crossing: number;
      for (;;) {
        const p = roots[last] ?? 0;
        crossing = (high - (values[p] ?? 0) - p * p) / (2 * (q - p));
        if (crossing > (bounds[last] ?? 0)) break;
        last--;
      }
      last++;
      roots[last] = q;
      bounds[last] = crossing;
      bounds[last + 1] = Infinity;
    }
    let k = 0;
    for (let q = 0; q < count; q++) {
      while ((bounds[k + 1] ?? Infinity) < q) k++;
      const p = roots[k] ?? 0;
      field[start + q * stride] = (q - p) * (q - p) + (values[p] ?? 0);
    }
  }
}

/** Means over 2 radius + 1 along the rows, transposed; beyond the ends the end values go on. */
function blurred(values: Float32Array, width: number, height: number, radius: number): Float32Array {
  const out = new Float32Array(values.length);
  const size = 2 * radius + 1;
  for (let y = 0; y < height; y++) {
    const start = y * width;
    const at = (x: number): number => values[start + Math.min(Math.max(x, 0), width - 1)] ?? 0;
    let sum = 0;
    for (let x = -radius; x <= radius; x++) sum += at(x);
    for (let x = 0; x < width; x++) {
      out[x * height + y] = sum / size;
      sum += at(x + radius + 1) - at(x - radius);
    }
  }
  return out;
}
