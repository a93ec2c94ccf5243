import type { Zippable } from "fflate";
import { strToU8, zipSync } from "fflate";

import { writeCoco, writeCocoPolygons } from "./coco";
import { writeLabelMap } from "./label-map";
import { writeLabelme } from "./labelme";
import { writeMasks } from "./masks";
import type { FormatFile, Writer } from "./types";
import { writeGeoJson, writeSvg } from "./vector";
import { writeVoc } from "./voc";
import { writeYolo } from "./yolo";

export type { ExportedObject, ExportedPicture, FormatFile, FormatWarning, Turn, Written } from "./types";

export const WRITERS = {
  coco: writeCoco,
  coco_polygons: writeCocoPolygons,
  yolo: writeYolo,
  voc: writeVoc,
  labelme: writeLabelme,
  label_map: writeLabelMap,
  masks: writeMasks,
  geojson: writeGeoJson,
  svg: writeSvg,
} as const satisfies Record<string, Writer>;

/** The oldest moment that a ZIP can say: the same work gives the same bytes. */
const NO_TIME = new Date(1980, 0, 1, 0, 0, 0);

export function zipOf(files: readonly FormatFile[]): Uint8Array<ArrayBuffer> {
  const entries: Zippable = {};
  for (const { path, data } of files) {
    const bytes = typeof data === "string" ? strToU8(data) : data;
    entries[path] = [bytes, { mtime: NO_TIME, level: path.endsWith(".png") ? 0 : 6 }];
  }
  return zipSync(entries);
}
