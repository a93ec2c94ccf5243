import type { Ring } from "../geometry/contours";
import { contoursOf, ringsOf, simplified } from "../geometry/contours";
import { rleToRaster } from "../geometry/raster";
import { TOLERANCE } from "./coco";
import { filesFor } from "./names";
import type { FormatFile, Writer } from "./types";
import { AT_ONCE, categoryOf } from "./types";
import { escaped } from "./voc";

/** GeoJSON, one a picture: a feature an object, in pixels of the picture, y down; rings are closed. */
export const writeGeoJson: Writer = async (pictures, turn = AT_ONCE) => {
  const names = filesFor(pictures);
  const closed = (ring: Ring): number[][] => [...ring, ...ring.slice(0, 1)].map(({ x, y }) => [x, y]);
  const files: FormatFile[] = [];
  for (const [i, { name, width, height, objects }] of pictures.entries()) {
    await turn(i);
    const features = objects.map((object, n) => {
      const parts = simplified(contoursOf(rleToRaster(object.rle)), TOLERANCE);
      const coordinates = parts.map(({ outer, holes }) => [outer, ...holes].map(closed));
      const properties = {
        category: categoryOf(object),
        name: object.name,
        colour: object.colour,
        predicted_iou: object.iou,
      };
      return { type: "Feature", id: n + 1, properties, geometry: { type: "MultiPolygon", coordinates } };
    });
    const collection = { type: "FeatureCollection", picture: name, width, height, features };
    files.push({ path: `${names[i]?.stem ?? i}.geojson`, data: JSON.stringify(collection) });
  }
  return { files, warnings: [] };
};

/** SVG, one a picture: a path an object, holes cut out by the even-odd rule. */
export const writeSvg: Writer = async (pictures, turn = AT_ONCE) => {
  const names = filesFor(pictures);
  const files: FormatFile[] = [];
  for (const [i, { width, height, objects }] of pictures.entries()) {
    await turn(i);
    const paths = objects.map((object) => {
      const rings = ringsOf(simplified(contoursOf(rleToRaster(object.rle)), TOLERANCE));
      const d = rings.map((ring) => `M${ring.map(({ x, y }) => `${x} ${y}`).join("L")}Z`).join("");
      const category = escaped(categoryOf(object));
      return `<path fill="${object.colour}" fill-opacity="0.5" fill-rule="evenodd" d="${d}"><title>${category}</title></path>\n`;
    });
    const size = `width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"`;
    const data = `<svg xmlns="http://www.w3.org/2000/svg" ${size}>\n${paths.join("")}</svg>\n`;
    files.push({ path: `${names[i]?.stem ?? i}.svg`, data });
  }
  return { files, warnings: [] };
};
