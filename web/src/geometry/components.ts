import { withMargin } from "./morphology";
import type { Raster } from "./raster";
import { trimmed } from "./raster";

/** The largest part alone. Pixels that touch at a corner belong together, as people see them. */
export function withoutIslands(raster: Raster): Raster {
  const { area, data } = raster;
  const parts = label(data, area.width, area.height, 1, true);
  const largest = parts.sizes.reduce((best, size, i) => (size > (parts.sizes[best] ?? 0) ? i : best), 0);
  return trimmed({
    ...raster,
    data: Uint8Array.from(data, (value, i) => (value === 1 && parts.of[i] === largest ? 1 : 0)),
  });
}

/** Holes filled: whatever outside the mask does not reach the picture around it, by its sides. */
export function withoutHoles(raster: Raster): Raster {
  if (raster.area.width === 0) return raster;
  const wide = withMargin(raster, 1);
  const { area, data, picture } = wide;
  const { width, height } = area;
  const parts = label(data, width, height, 0, false);
  const open = new Set<number>();
  const reach = (x: number, y: number): void => void open.add(parts.of[y * width + x] ?? -1);
  for (let x = 0; x < width; x++) {
    reach(x, 0);
    reach(x, height - 1);
  }
  for (let y = 0; y < height; y++) {
    reach(0, y);
    reach(width - 1, y);
  }
  const filled = Uint8Array.from(data, (value, i) => (value === 1 || !open.has(parts.of[i] ?? -1) ? 1 : 0));
  return trimmed({ picture, area, data: filled });
}

interface Parts {
  /** The part of each pixel; −1 for pixels of the other value. */
  readonly of: Int32Array;
  readonly sizes: readonly number[];
}

/** Connected parts of the pixels of `value`, by flooding with a stack. `corners`: 8 neighbours instead of 4. */
function label(data: Uint8Array, width: number, height: number, value: 0 | 1, corners: boolean): Parts {
  const of = new Int32Array(data.length).fill(-1);
  const sizes: number[] = [];
  const stack: number[] = [];
  for (let seed = 0; seed < data.length; seed++) {
    if (data[seed] !== value || of[seed] !== -1) continue;
    const part = sizes.length;
    let size = 0;
    of[seed] = part;
    stack.push(seed);
    for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
      size++;
      const [x, y] = [at % width, Math.floor(at / width)];
      for (let j = Math.max(y - 1, 0); j <= Math.min(y + 1, height - 1); j++) {
        for (let i = Math.max(x - 1, 0); i <= Math.min(x + 1, width - 1); i++) {
          if (!corners && i !== x && j !== y) continue;
          const next = j * width + i;
          if (data[next] !== value || of[next] !== -1) continue;
          of[next] = part;
          stack.push(next);
        }
      }
    }
    sizes.push(size);
  }
  return { of, sizes };
}
