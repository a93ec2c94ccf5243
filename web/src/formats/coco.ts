import type { Part } from "../geometry/contours";
import { contoursOf, simplified } from "../geometry/contours";
import { rleToRaster } from "../geometry/raster";
import { filesFor } from "./names";
import type { ExportedPicture, FormatWarning, Turn, Writer, Written } from "./types";
import { AT_ONCE, categoriesOf, categoryOf, warningsOf } from "./types";

/** How far a polygon may lie from the mask's edge, in pixels. */
export const TOLERANCE = 0.5;

/** COCO's JSON with run lengths: every mask to the pixel. */
export const writeCoco: Writer = (pictures, turn) => write(pictures, false, turn);

/** COCO's JSON with polygons; masks with holes, which polygons cannot say, stay run lengths. */
export const writeCocoPolygons: Writer = (pictures, turn) => write(pictures, true, turn);

async function write(pictures: readonly ExportedPicture[], polygons: boolean, turn: Turn = AT_ONCE): Promise<Written> {
  const categories = categoriesOf(pictures);
  const annotations: object[] = [];
  const warnings: FormatWarning[] = [];
  for (const [index, picture] of pictures.entries()) {
    await turn(index);
    let holes = 0;
    for (const object of picture.objects) {
      const parts = polygons ? simplified(contoursOf(rleToRaster(object.rle)), TOLERANCE) : null;
      const holed = parts?.some((part) => part.holes.length > 0) ?? false;
      if (holed) holes++;
      annotations.push({
        id: annotations.length + 1,
        image_id: index + 1,
        category_id: categories.indexOf(categoryOf(object)) + 1,
        segmentation: parts === null || holed || parts.length === 0 ? object.rle : parts.map(flat),
        area: object.area,
        bbox: object.bbox,
        iscrowd: 0,
        ...(object.iou !== null && { predicted_iou: object.iou }),
        ...(object.name !== "" && { name: object.name }),
      });
    }
    warnings.push(...warningsOf(picture, { coco_holes_as_rle: holes }));
  }
  const names = filesFor(pictures);
  const data = JSON.stringify({
    info: { description: "Made with Segserve" },
    images: pictures.map(({ width, height }, i) => ({ id: i + 1, file_name: names[i]?.fileName, width, height })),
    categories: categories.map((name, i) => ({ id: i + 1, name, supercategory: "" })),
    annotations,
  });
  return { files: [{ path: "coco.json", data }], warnings };
}

const flat = ({ outer }: Part): number[] => outer.flatMap(({ x, y }) => [round(x), round(y)]);
const round = (value: number): number => Math.round(value * 100) / 100;
