import type { PlacedLogits, Rectangle } from "../geometry/mask";
import { intersection, rasterOf, wider } from "../geometry/mask";
import type { Raster } from "../geometry/raster";
import { pixelsOf, rasterToRle, trimmed } from "../geometry/raster";
import { maskPng } from "../formats/png";
import { cutOut } from "./cut-out";
import type { DecoderOutputs } from "./engine";
import { floatToHalf, halfToFloat } from "./half";
import type { DecodeResult, DecoderSpec, MaskSummary } from "./protocol";
import { DecodeError } from "./protocol";

/**
 * The wanted outputs of the first prompt, best predicted IoU first; each mask is a copy of its own, rounded to half
 * precision, so that what is stored, sent to the server and restored is what was painted.
 */
export function rankedMasks(
  outputs: DecoderOutputs,
  spec: DecoderSpec,
  multimask: boolean,
): Pick<DecodeResult, "candidates" | "masks" | "width" | "height"> {
  const { maskWidth: width, maskHeight: height } = spec;
  const wanted = multimask ? spec.multiMaskIndices : [spec.singleMaskIndex];
  const candidates = wanted.map((index) => ({ index, iou: outputs.ious[index] ?? 0 })).sort((a, b) => b.iou - a.iou);
  const area = width * height;
  const masks = candidates.map(({ index }) => asHalves(outputs.masks.slice(index * area, (index + 1) * area)));
  return { candidates, masks, width, height };
}

function asHalves(values: Float32Array): Float32Array {
  return values.map((value) => halfToFloat(floatToHalf(value)));
}

export function summaryOf(logits: PlacedLogits): MaskSummary {
  const raster = trimmed(rasterOf(logits));
  const { x, y, width, height } = raster.area;
  return { rle: rasterToRle(raster), area: pixelsOf(raster), bbox: [x, y, width, height] };
}

/** The joint mask as a grey PNG of the picture's size, or, with `source`, the cut-out inside its bounds. */
export async function maskFile(masks: readonly PlacedLogits[], source?: Blob): Promise<Blob> {
  const [first] = masks;
  if (first === undefined) throw new DecodeError("empty", "There is no mask.");
  const { width, height } = first.picture;
  if (source === undefined) {
    const joint = new Uint8Array(width * height);
    for (const logits of masks) stamp(joint, rasterOf(logits)); // one at a time: each may be tens of megabytes
    return new Blob([await maskPng(joint, width, height)], { type: "image/png" });
  }
  const all = masks.map((logits) => ({ logits, bounds: trimmed(rasterOf(logits)).area }));
  const held = all.filter(({ bounds }) => bounds.width > 0);
  const whole = hull(held.map(({ bounds }) => bounds));
  if (whole === null) throw new DecodeError("empty", "The mask is empty.");
  return cutOut(source, held, intersection(wider(whole), { x: 0, y: 0, ...first.picture }));
}

function stamp(joint: Uint8Array, { picture, area, data }: Raster): void {
  for (let y = 0; y < area.height; y++) {
    const start = (area.y + y) * picture.width + area.x;
    for (let x = 0; x < area.width; x++) if (data[y * area.width + x] === 1) joint[start + x] = 1;
  }
}

/** The smallest rectangle about all; null: there is none. */
function hull(held: readonly Rectangle[]): Rectangle | null {
  if (held.length === 0) return null;
  const x = Math.min(...held.map((area) => area.x));
  const y = Math.min(...held.map((area) => area.y));
  const right = Math.max(...held.map((area) => area.x + area.width));
  const bottom = Math.max(...held.map((area) => area.y + area.height));
  return { x, y, width: right - x, height: bottom - y };
}
