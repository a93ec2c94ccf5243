import type { Ring } from "../geometry/contours";
import { contoursOf, simplified } from "../geometry/contours";
import type { Raster } from "../geometry/raster";
import { rleToRaster } from "../geometry/raster";
import { TOLERANCE } from "./coco";
import { filesFor } from "./names";
import { maskPng } from "./png";
import type { ExportedObject, FormatFile, FormatWarning, Writer } from "./types";
import { AT_ONCE, categoryOf, warningsOf } from "./types";

const VERSION = "5.5.0";

/** labelme's JSON, one a picture: polygons, the parts of an object in one group; a mask with holes as labelme's mask shape. */
export const writeLabelme: Writer = async (pictures, turn = AT_ONCE) => {
  const names = filesFor(pictures);
  const files: FormatFile[] = [];
  const warnings: FormatWarning[] = [];
  for (const [i, picture] of pictures.entries()) {
    await turn(i);
    const { name, width, height, objects } = picture;
    const each: object[][] = [];
    for (const [n, object] of objects.entries()) each.push(await shapesOf(object, n));
    const shapes = each.flat();
    warnings.push(...warningsOf(picture, { empty_left_out: each.filter(({ length }) => length === 0).length }));
    const file = {
      version: VERSION,
      flags: {},
      shapes,
      imagePath: name.split("/").at(-1) ?? name,
      imageData: null,
      imageHeight: height,
      imageWidth: width,
    };
    files.push({ path: `${names[i]?.stem ?? i}.json`, data: JSON.stringify(file) });
  }
  return { files, warnings };
};

async function shapesOf(object: ExportedObject, group: number): Promise<object[]> {
  const raster = rleToRaster(object.rle);
  const parts = simplified(contoursOf(raster), TOLERANCE);
  const common = { label: categoryOf(object), description: object.name, flags: {} };
  if (parts.some(({ holes }) => holes.length > 0)) return [{ ...common, group_id: null, ...(await maskShape(raster)) }];
  const group_id = parts.length > 1 ? group : null;
  return parts.map(({ outer }) => ({
    ...common,
    group_id,
    shape_type: "polygon",
    points: pointsOf(outer),
    mask: null,
  }));
}

const pointsOf = (ring: Ring): number[][] => ring.map(({ x, y }) => [x, y]);

/** The mask inside its bounds, whose corners are pixels that belong to it. */
async function maskShape({ area, data }: Raster): Promise<object> {
  const { x, y, width, height } = area;
  const png = await maskPng(data, width, height);
  let text = "";
  for (const byte of png) text += String.fromCharCode(byte);
  const points = [
    [x, y],
    [x + width - 1, y + height - 1],
  ];
  return { shape_type: "mask", points, mask: btoa(text) };
}
