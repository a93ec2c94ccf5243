import type { PlacedLogits, Rectangle } from "../geometry/mask";
import { intersection, upsample } from "../geometry/mask";
import { contextOf, fileOf } from "../pictures/context";
import { decodePart, onWhite } from "../pictures/pixels";

/** Coverage 0..255 of each pixel of `area`: the distance to the edge in pixels, from the logit and its slope, plus a half. */
export function coverage(logits: PlacedLogits, area: Rectangle): Uint8ClampedArray {
  const out = new Uint8ClampedArray(area.width * area.height);
  const part = intersection(area, logits.region);
  const { width, height } = part;
  if (width <= 0 || height <= 0) return out;
  const values = upsample(logits, part);
  const at = (x: number, y: number): number =>
    values[Math.min(Math.max(y, 0), height - 1) * width + Math.min(Math.max(x, 0), width - 1)] ?? 0;
  for (let y = 0; y < height; y++) {
    const start = (part.y - area.y + y) * area.width + part.x - area.x;
    for (let x = 0; x < width; x++) {
      const slope = Math.hypot(at(x + 1, y) - at(x - 1, y), at(x, y + 1) - at(x, y - 1)) / 2;
      const distance = (at(x, y) - logits.threshold) / Math.max(slope, 1e-6);
      out[start + x] = (distance + 0.5) * 255;
    }
  }
  return out;
}

/** The picture, on white as it is shown, inside `area` with the masks' coverage as its alpha channel, as a PNG. */
export async function cutOut(source: Blob, masks: readonly PlacedLogits[], area: Rectangle): Promise<Blob> {
  const canvas = onWhite(await decodePart(source, area));
  const context = contextOf(canvas);
  const pixels = context.getImageData(0, 0, area.width, area.height);
  const alpha = new Uint8ClampedArray(area.width * area.height);
  for (const logits of masks) {
    coverage(logits, area).forEach((value, i) => {
      if (value > (alpha[i] ?? 0)) alpha[i] = value;
    });
  }
  alpha.forEach((value, i) => {
    pixels.data[i * 4 + 3] = value;
  });
  context.putImageData(pixels, 0, 0);
  return fileOf(canvas, { type: "image/png" });
}
