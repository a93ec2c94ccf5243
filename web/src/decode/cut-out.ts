import type { PlacedLogits, Rectangle } from "../geometry/mask";
import { intersection, upsample, wider } from "../geometry/mask";
import { contextOf, fileOf } from "../pictures/context";
import { decodePart, onWhite } from "../pictures/pixels";

/** `bounds`: of its pixels. */
export interface PlacedMask {
  readonly logits: PlacedLogits;
  readonly bounds: Rectangle;
}

/**
 * Coverage 0..255 of each pixel of `part`: the distance to the edge in pixels, from the logit and its slope, plus a half.
 * Slopes are seen as far as `area` goes.
 */
export function coverage(logits: PlacedLogits, area: Rectangle, part: Rectangle = area): Uint8ClampedArray {
  const out = new Uint8ClampedArray(part.width * part.height);
  const held = intersection(area, logits.region);
  const [inside, seen] = [intersection(part, held), intersection(wider(part), held)];
  const { width, height } = seen;
  if (inside.width <= 0 || inside.height <= 0) return out;
  const values = upsample(logits, seen);
  const at = (x: number, y: number): number =>
    values[Math.min(Math.max(y, 0), height - 1) * width + Math.min(Math.max(x, 0), width - 1)] ?? 0;
  const [left, top] = [inside.x - seen.x, inside.y - seen.y];
  for (let y = top; y < top + inside.height; y++) {
    const start = (seen.y + y - part.y) * part.width + seen.x - part.x;
    for (let x = left; x < left + inside.width; x++) {
      const slope = Math.hypot(at(x + 1, y) - at(x - 1, y), at(x, y + 1) - at(x, y - 1)) / 2;
      const distance = (at(x, y) - logits.threshold) / Math.max(slope, 1e-6);
      out[start + x] = (distance + 0.5) * 255;
    }
  }
  return out;
}

/** The most of the masks' coverages, each one's where it lies itself and one pixel about it. */
export function alphaOf(masks: readonly PlacedMask[], area: Rectangle): Uint8ClampedArray {
  const alpha = new Uint8ClampedArray(area.width * area.height);
  for (const { logits, bounds } of masks) {
    const part = intersection(wider(bounds), area);
    const values = coverage(logits, area, part);
    for (let y = 0; y < part.height; y++) {
      const start = (part.y - area.y + y) * area.width + part.x - area.x;
      for (let x = 0; x < part.width; x++) {
        const value = values[y * part.width + x] ?? 0;
        if (value > (alpha[start + x] ?? 0)) alpha[start + x] = value;
      }
    }
  }
  return alpha;
}

/** The picture, on white as it is shown, inside `area` with the masks' coverage as its alpha channel, as a PNG. */
export async function cutOut(source: Blob, masks: readonly PlacedMask[], area: Rectangle): Promise<Blob> {
  const canvas = onWhite(await decodePart(source, area));
  const context = contextOf(canvas);
  const pixels = context.getImageData(0, 0, area.width, area.height);
  alphaOf(masks, area).forEach((value, i) => {
    pixels.data[i * 4 + 3] = value;
  });
  context.putImageData(pixels, 0, 0);
  return fileOf(canvas, { type: "image/png" });
}
