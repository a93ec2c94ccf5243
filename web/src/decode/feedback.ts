import type { Size } from "../geometry/frames";
import type { PlacedLogits } from "../geometry/mask";
import { logitScale, rasterOf } from "../geometry/mask";
import { toLogits } from "../geometry/mask-logits";
import type { Placement } from "../geometry/resize";

/**
 * A mask as the logits that a decoder takes for its `mask_input`, on its grid over `placement`. Logits of the same part of the
 * picture go as they are; a mask of another part, or one that was mended by hand, gets logits made from its pixels.
 */
export function fitted(mask: PlacedLogits, placement: Placement, grid: Size): Float32Array {
  const { data, region, scale } = mask;
  if (data instanceof Uint8Array) return toLogits(rasterOf(mask), placement, grid);
  const wanted = logitScale(placement, grid);
  const same =
    region.x === placement.x && region.y === placement.y && scale.x === wanted.x && scale.y === wanted.y &&
    mask.width === grid.width && mask.height === grid.height; // prettier-ignore
  return same ? data : toLogits(rasterOf(mask), placement, grid);
}
