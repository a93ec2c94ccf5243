import { summaryOf } from "../src/decode/results";
import type { ExportedObject } from "../src/formats";
import { rasterAsLogits } from "../src/geometry/mask";
import type { Raster } from "../src/geometry/raster";

/** A mask as the writers of files get it. */
export function exported(raster: Raster, change: Partial<ExportedObject> = {}): ExportedObject {
  const summary = summaryOf(rasterAsLogits(raster));
  return { ...summary, id: 1, name: "", label: "cat", colour: "#4da3ff", iou: 0.9, ...change };
}
