import type { Ring } from "../geometry/contours";
import { contoursOf, simplified } from "../geometry/contours";
import { rleToRaster } from "../geometry/raster";
import { TOLERANCE } from "./coco";
import { filesFor } from "./names";
import type { FormatFile, FormatWarning, Writer } from "./types";
import { AT_ONCE, categoriesOf, categoryOf, warningsOf } from "./types";

/**
 * Ultralytics' segmentation files: a line an object, its class and one polygon in fractions of the picture. Parts are joined
 * by a seam there and back, as its own COCO converter does; holes are filled.
 */
export const writeYolo: Writer = async (pictures, turn = AT_ONCE) => {
  const categories = categoriesOf(pictures);
  const named = filesFor(pictures);
  const warnings: FormatWarning[] = [];
  const files: FormatFile[] = [];
  for (const [i, picture] of pictures.entries()) {
    await turn(i);
    const { width, height } = picture;
    const counts = { yolo_holes_lost: 0, yolo_parts_joined: 0, empty_left_out: 0 };
    const lines = picture.objects.flatMap((object) => {
      const parts = simplified(contoursOf(rleToRaster(object.rle)), TOLERANCE);
      const [first, ...others] = parts.map(({ outer }) => outer);
      if (first === undefined) {
        counts.empty_left_out++;
        return [];
      }
      if (parts.some(({ holes }) => holes.length > 0)) counts.yolo_holes_lost++;
      if (others.length > 0) counts.yolo_parts_joined++;
      const ring = others.reduce(seamed, first);
      const coordinates = ring.flatMap(({ x, y }) => [(x / width).toFixed(6), (y / height).toFixed(6)]);
      return [`${categories.indexOf(categoryOf(object))} ${coordinates.join(" ")}`];
    });
    warnings.push(...warningsOf(picture, counts));
    files.push({ path: `labels/${named[i]?.stem ?? i}.txt`, data: lines.map((line) => `${line}\n`).join("") });
  }
  // JSON's strings are YAML's too.
  const names = categories.map((name, i) => `  ${i}: ${JSON.stringify(name)}\n`).join("");
  const yaml = `path: .\ntrain: images\nval: images\nnames:${categories.length === 0 ? " {}" : ""}\n${names}`;
  return { files: [...files, { path: "data.yaml", data: yaml }], warnings };
};

/** Two rings as one, joined where they are nearest to each other. */
function seamed(a: Ring, b: Ring): Ring {
  let [i, j, least] = [0, 0, Infinity];
  a.forEach((from, ia) => {
    b.forEach((to, jb) => {
      const distance = (from.x - to.x) ** 2 + (from.y - to.y) ** 2;
      if (distance < least) [i, j, least] = [ia, jb, distance];
    });
  });
  const turned = [...b.slice(j), ...b.slice(0, j)];
  return [...a.slice(0, i + 1), ...turned, ...turned.slice(0, 1), ...a.slice(i)];
}
