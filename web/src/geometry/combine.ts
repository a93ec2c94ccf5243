import type { Rectangle } from "./mask";
import { intersection } from "./mask";
import type { Raster } from "./raster";
import { trimmed, withArea } from "./raster";

/** The smallest rectangle about two; one without width counts for nothing. */
function about(a: Rectangle, b: Rectangle): Rectangle {
  if (a.width === 0) return b;
  if (b.width === 0) return a;
  const x = Math.min(a.x, b.x);
  const y = Math.min(a.y, b.y);
  const right = Math.max(a.x + a.width, b.x + b.width);
  const bottom = Math.max(a.y + a.height, b.y + b.height);
  return { x, y, width: right - x, height: bottom - y };
}

/** Pixels of either. */
export function joined(a: Raster, b: Raster): Raster {
  const out = withArea(a, about(a.area, b.area));
  return stamped(out, b, 1);
}

/** Pixels of `a` that `b` has not. */
export function without(a: Raster, b: Raster): Raster {
  return trimmed(stamped(withArea(a, a.area), b, 0));
}

/** Sets `out` to `value` where `mask` is set, in place. */
function stamped(out: Raster, mask: Raster, value: 0 | 1): Raster {
  const part = intersection(out.area, mask.area);
  for (let y = part.y; y < part.y + part.height; y++) {
    const to = (y - out.area.y) * out.area.width - out.area.x;
    const from = (y - mask.area.y) * mask.area.width - mask.area.x;
    for (let x = part.x; x < part.x + part.width; x++) if (mask.data[from + x] === 1) out.data[to + x] = value;
  }
  return out;
}
