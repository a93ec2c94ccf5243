import type { Size } from "./frames";
import { logitScale } from "./mask";
import type { Raster } from "./raster";
import type { Placement } from "./resize";

/** The least and, mirrored, the most that a cell can be covered: logits stay within ±6.9. */
const LEAST = 1e-3;

/**
 * A binary mask as the logits that a decoder takes for its mask prompt, on a grid over the S x S input: the logit of the part
 * of each cell that the mask covers, log(c / (1 - c)), c kept off 0 and 1 as micro-sam's `_compute_logits_from_mask` does.
 * Cells without a pixel's centre go by the pixel that they lie in.
 */
export function toLogits(raster: Raster, placement: Placement, grid: Size): Float32Array {
  const scale = logitScale(placement, grid);
  const covered = new Float32Array(grid.width * grid.height);
  const columns = cellsOf(raster.area.x, raster.area.width, placement.x, scale.x);
  const rows = cellsOf(raster.area.y, raster.area.height, placement.y, scale.y);
  const { width } = raster.area;
  const weight = { x: Math.min(scale.x, 1), y: Math.min(scale.y, 1) };
  for (let y = 0; y < raster.area.height; y++) {
    for (let x = 0; x < width; x++) {
      if (raster.data[y * width + x] === 0) continue;
      const [left, right] = [columns.from[x] ?? 0, columns.to[x] ?? 0];
      for (let j = Math.max(rows.from[y] ?? 0, 0); j < Math.min(rows.to[y] ?? 0, grid.height); j++) {
        for (let i = Math.max(left, 0); i < Math.min(right, grid.width); i++) {
          const at = j * grid.width + i;
          covered[at] = (covered[at] ?? 0) + weight.x * weight.y;
        }
      }
    }
  }
  return covered.map((part) => {
    const bounded = Math.min(Math.max(part, LEAST), 1 - LEAST);
    return Math.log(bounded / (1 - bounded));
  });
}

/** The cells [from, to) of each pixel: the one that holds its centre, or all whose centres it holds where cells are smaller. */
function cellsOf(start: number, count: number, origin: number, scale: number): { from: Int32Array; to: Int32Array } {
  const from = new Int32Array(count);
  const to = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    const x = start + i - origin;
    if (scale <= 1) {
      from[i] = Math.floor((x + 0.5) * scale);
      to[i] = (from[i] ?? 0) + 1;
    } else {
      from[i] = Math.ceil(x * scale - 0.5);
      to[i] = Math.ceil((x + 1) * scale - 0.5);
    }
  }
  return { from, to };
}
