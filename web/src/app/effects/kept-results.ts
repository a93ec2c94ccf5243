import { floatToHalf, halvesToFloats } from "../../decode/half";
import type { DecodeResult, StepResult } from "../../decode/protocol";
import { rasterToRle, rleToRaster } from "../../geometry/raster";
import type { Rle } from "../../geometry/rle";

/** A result as it is kept: logits as half floats, which is what they were rounded to, and masks as run lengths. */
type Kept = { readonly rle: Rle } | (Omit<DecodeResult, "masks" | "ms"> & { readonly halves: readonly Uint16Array[] });

export function packed(result: StepResult): unknown {
  if ("raster" in result) return { rle: rasterToRle(result.raster) } satisfies Kept;
  const { revision, placement, threshold, candidates, masks, width, height, fedBack } = result;
  const halves = masks.map((mask) => Uint16Array.from(mask, floatToHalf));
  return { revision, placement, threshold, candidates, width, height, fedBack, halves } satisfies Kept;
}

/** null for what is no such thing. */
export function unpacked(payload: unknown): StepResult | null {
  if (typeof payload !== "object" || payload === null) return null;
  const kept = payload as Kept;
  if ("rle" in kept) return { raster: rleToRaster(kept.rle) };
  if (!("halves" in kept) || !Array.isArray(kept.halves)) return null;
  const { halves, ...rest } = kept;
  return { ...rest, ms: 0, masks: halves.map(halvesToFloats) };
}
