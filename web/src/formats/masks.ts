import { rleToRaster } from "../geometry/raster";
import { eachPixel } from "./label-map";
import { safeName, filesFor } from "./names";
import { maskPng } from "./png";
import type { FormatFile, Writer } from "./types";
import { AT_ONCE, categoryOf } from "./types";

/** A black and white PNG of the picture's size for each object, in a folder a picture. */
export const writeMasks: Writer = async (pictures, turn = AT_ONCE) => {
  const files: FormatFile[] = [];
  const names = filesFor(pictures);
  for (const [i, { width, height, objects }] of pictures.entries()) {
    await turn(i);
    for (const [n, object] of objects.entries()) {
      const mask = new Uint8Array(width * height);
      eachPixel(rleToRaster(object.rle), (at) => (mask[at] = 1));
      const number = `${n + 1}`.padStart(3, "0");
      const path = `${names[i]?.stem ?? i}/${number}-${safeName(categoryOf(object))}.png`;
      files.push({ path, data: await maskPng(mask, width, height) });
    }
  }
  return { files, warnings: [] };
};
