import type { Ring } from "../geometry/contours";
import { fillRings } from "../geometry/contours";
import { imagePoint } from "../geometry/frames";
import { joined } from "../geometry/combine";
import type { Raster } from "../geometry/raster";
import { rasterToRle, rleToRaster } from "../geometry/raster";
import { compressRuns, decompressRuns } from "../geometry/rle";
import type { KnownPicture, Reading, Skipped } from "./reading";
import type { PictureIndex } from "./picture-index";
import { isRecord, textOr } from "./reading";

/** Corners of one polygon. */
const MOST_POINTS = 1_000_000;

/** COCO's instances: polygons, run lengths compressed or not. What has only a box is no mask. */
export function readCoco(data: Record<string, unknown> | object, pictures: PictureIndex): Reading {
  const { images, annotations, categories } = data as Record<string, unknown>;
  const names = new Map<unknown, string>();
  for (const category of listOf(categories)) names.set(category.id, textOr(category.name, ""));
  const targets = new Map<unknown, KnownPicture | Skipped["code"]>();
  for (const image of listOf(images)) {
    const picture = pictures.findFileName(textOr(image.file_name, ""));
    const fits = picture !== null && image.width === picture.width && image.height === picture.height;
    targets.set(image.id, picture === null ? "no_such_picture" : fits ? picture : "size_differs");
  }
  const found: Reading["found"][number][] = [];
  const counts = new Map<Skipped["code"], number>();
  for (const annotation of listOf(annotations)) {
    const picture = targets.get(annotation.image_id) ?? "no_such_picture";
    const raster = typeof picture === "string" ? null : maskOf(annotation.segmentation, picture);
    if (typeof picture === "string" || raster === null) {
      const code = typeof picture === "string" ? picture : "not_a_mask";
      counts.set(code, (counts.get(code) ?? 0) + 1);
      continue;
    }
    const label = names.get(annotation.category_id) ?? "";
    found.push({ picture, mask: { name: textOr(annotation.name, ""), label, rle: rasterToRle(raster) } });
  }
  return { found, skipped: [...counts].map(([code, count]) => ({ code, count })) };
}

const listOf = (value: unknown): Record<string, unknown>[] => (Array.isArray(value) ? value.filter(isRecord) : []);

function maskOf(segmentation: unknown, picture: KnownPicture): Raster | null {
  if (Array.isArray(segmentation)) {
    const rings = segmentation.map(ringOf);
    if (rings.length === 0 || rings.some((ring) => ring === null)) return null;
    const filled = rings.filter((ring) => ring !== null).map((ring) => fillRings(picture, [ring]));
    return filled.reduce(joined);
  }
  if (!isRecord(segmentation)) return null;
  const { size, counts } = segmentation;
  if (!Array.isArray(size) || size[0] !== picture.height || size[1] !== picture.width) return null;
  const runs = typeof counts === "string" ? decompressRuns(counts) : Array.isArray(counts) ? (counts as unknown[]) : [];
  const pixels = runs.reduce<number>(
    (sum, run) => (Number.isInteger(run) && (run as number) >= 0 ? sum + (run as number) : NaN),
    0,
  );
  if (pixels !== picture.width * picture.height) return null;
  return rleToRaster({ size: [picture.height, picture.width], counts: compressRuns(runs as number[]) });
}

/** [x, y, x, y, …] */
function ringOf(value: unknown): Ring | null {
  if (!Array.isArray(value) || value.length < 6 || value.length > 2 * MOST_POINTS) return null;
  if (!value.every((number) => typeof number === "number" && Number.isFinite(number))) return null;
  const numbers = value as number[];
  return Array.from({ length: numbers.length >> 1 }, (_, i) =>
    imagePoint(numbers[2 * i] ?? 0, numbers[2 * i + 1] ?? 0),
  );
}
