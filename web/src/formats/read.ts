import { FilesBeside, isLegend } from "./mask-names";
import { PictureIndex } from "./picture-index";
import { readCoco } from "./read-coco";
import { readLabelme } from "./read-labelme";
import { readMaskPng } from "./read-masks";
import { readYolo, yoloNames } from "./read-yolo";
import type { AnnotationFile, Imported, ImportedMask, KnownPicture, Reading, Skipped } from "./reading";
import { isClassList } from "./reading";

/** Far more than anybody draws, few enough to hold. */
export const MOST_OBJECTS = 20_000;
/** Bytes of one file of annotations. */
const MOST_BYTES = 512 * 1024 * 1024;

/** Masks of COCO, YOLO, labelme and PNG files, for the pictures that they name. Never raises: what cannot be read is told. */
export function readAnnotations(files: readonly AnnotationFile[], pictures: readonly KnownPicture[]): Imported {
  const byPicture = new Map<number, ImportedMask[]>();
  const skipped: Skipped[] = [];
  const names = yoloNames(files);
  const beside = new FilesBeside(files);
  const index = new PictureIndex(pictures);
  let total = 0;
  for (const file of files) {
    const reading = file.bytes.length > MOST_BYTES ? failed("too_many") : readOne(file, beside, index, names);
    for (const skip of reading.skipped) skipped.push({ ...skip, path: file.path });
    const room = reading.found.slice(0, Math.max(MOST_OBJECTS - total, 0));
    if (room.length < reading.found.length) {
      skipped.push({ code: "too_many", path: file.path, count: reading.found.length - room.length });
    }
    total += room.length;
    for (const { picture, mask } of room) {
      const masks = byPicture.get(picture.id) ?? [];
      masks.push(mask);
      byPicture.set(picture.id, masks);
    }
  }
  return { pictures: [...byPicture].map(([id, objects]) => ({ id, objects })), skipped };
}

const NOTHING: Reading = { found: [], skipped: [] };
const failed = (code: Skipped["code"]): Reading => ({ found: [], skipped: [{ code, count: 1 }] });

function readOne(file: AnnotationFile, beside: FilesBeside, pictures: PictureIndex, names: readonly string[]): Reading {
  const ending = /\.(\w+)$/.exec(file.path.toLowerCase())?.[1] ?? "";
  try {
    switch (ending) {
      case "json":
        return readJson(file, pictures);
      case "txt":
        return isClassList(file.path) ? NOTHING : readYolo(file, pictures, names);
      case "yaml":
      case "yml":
        return NOTHING;
      case "png":
        return beside.isNamesAlone(file) ? NOTHING : readMaskPng(file, pictures, beside);
      default:
        return failed("not_annotations");
    }
  } catch {
    return failed("broken");
  }
}

function readJson(file: AnnotationFile, pictures: PictureIndex): Reading {
  const data: unknown = JSON.parse(new TextDecoder().decode(file.bytes));
  if (typeof data !== "object" || data === null) return failed("not_annotations");
  if ("annotations" in data && "images" in data) return readCoco(data, pictures);
  if ("shapes" in data) return readLabelme(file, data, pictures);
  if (isLegend(data)) return NOTHING; // it is read with its map
  return failed("not_annotations");
}
