import type { Size } from "../geometry/frames";
import type { PlacedLogits, Rectangle } from "../geometry/mask";
import { binarise, boundsOf, union } from "../geometry/mask";
import { encodeRle } from "../geometry/rle";
import { cutOut } from "./cut-out";
import type { DecoderOutputs } from "./engine";
import { maskPng } from "./png";
import type { DecodeResult, DecoderSpec, MaskSummary } from "./protocol";
import { DecodeError } from "./protocol";

/** The wanted outputs of the first prompt, best predicted IoU first; each mask is a copy of its own. */
export function rankedMasks(
  outputs: DecoderOutputs,
  spec: DecoderSpec,
  multimask: boolean,
): Pick<DecodeResult, "candidates" | "masks" | "width" | "height"> {
  const { maskWidth: width, maskHeight: height } = spec;
  const wanted = multimask ? spec.multiMaskIndices : [spec.singleMaskIndex];
  const candidates = wanted.map((index) => ({ index, iou: outputs.ious[index] ?? 0 })).sort((a, b) => b.iou - a.iou);
  const area = width * height;
  const masks = candidates.map(({ index }) => outputs.masks.slice(index * area, (index + 1) * area));
  return { candidates, masks, width, height };
}

export function summaryOf(logits: PlacedLogits): MaskSummary {
  const { width, height } = logits.placement;
  const mask = binarise(logits, logits.placement, logits.threshold);
  const bounds = boundsOf(mask, width);
  return {
    rle: encodeRle(mask, width, height),
    area: bounds?.area ?? 0,
    bbox: bounds === null ? [0, 0, 0, 0] : [bounds.x, bounds.y, bounds.width, bounds.height],
  };
}

/** The joint mask as a grey PNG of the picture's size, or, with `source`, the cut-out inside its bounds. */
export async function maskFile(masks: readonly PlacedLogits[], source?: Blob): Promise<Blob> {
  const [first] = masks;
  if (first === undefined) throw new DecodeError("empty", "There is no mask.");
  const { width, height } = first.placement;
  const joint = union(eachBinarised(masks));
  if (source === undefined) return maskPng(joint, width, height);
  const bounds = boundsOf(joint, width);
  if (bounds === null) throw new DecodeError("empty", "The mask is empty.");
  return cutOut(source, masks, withMargin(bounds, first.placement));
}

/** A mask of a large photo takes tens of megabytes: they are made when asked for. */
function* eachBinarised(masks: readonly PlacedLogits[]): Generator<Uint8Array> {
  for (const logits of masks) yield binarise(logits, logits.placement, logits.threshold);
}

/** One pixel more on each side, for the soft edge. */
function withMargin(bounds: Rectangle, picture: Size): Rectangle {
  const x = Math.max(bounds.x - 1, 0);
  const y = Math.max(bounds.y - 1, 0);
  return {
    x,
    y,
    width: Math.min(bounds.x + bounds.width + 1, picture.width) - x,
    height: Math.min(bounds.y + bounds.height + 1, picture.height) - y,
  };
}
