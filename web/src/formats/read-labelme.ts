import { decode } from "fast-png";

import { joined } from "../geometry/combine";
import { fillRings } from "../geometry/contours";
import type { ImagePoint } from "../geometry/frames";
import { boxAbout, imagePoint } from "../geometry/frames";
import type { Raster } from "../geometry/raster";
import { emptyRaster, rasterToRle, trimmed, withArea } from "../geometry/raster";
import { strokeRaster } from "../geometry/strokes";
import type { PictureIndex } from "./picture-index";
import type { AnnotationFile, KnownPicture, Reading } from "./reading";
import { isRecord, textOr } from "./reading";

/** labelme's shapes with an area: polygons, rectangles, circles and masks; those of one group and label are one object. */
export function readLabelme(file: AnnotationFile, data: object, pictures: PictureIndex): Reading {
  const { imagePath, imageWidth, imageHeight, shapes } = data as Record<string, unknown>;
  const beside = file.path.split("/").slice(0, -1); // a name without folders is one of the JSON's own folder
  const named = textOr(imagePath, "");
  const picture = (named === "" ? null : pictures.find([...beside, named].join("/"))) ?? pictures.find(file.path);
  if (picture === null) return { found: [], skipped: [{ code: "no_such_picture", count: 1 }] };
  if ((imageWidth ?? picture.width) !== picture.width || (imageHeight ?? picture.height) !== picture.height) {
    return { found: [], skipped: [{ code: "size_differs", count: 1 }] };
  }
  const objects = new Map<string, { label: string; name: string; raster: Raster }>();
  let skipped = 0;
  for (const [i, shape] of (Array.isArray(shapes) ? shapes : []).entries()) {
    const raster = isRecord(shape) ? rasterOfShape(shape, picture) : null;
    if (raster === null || !isRecord(shape)) {
      skipped++;
      continue;
    }
    const label = textOr(shape.label, "");
    const key = typeof shape.group_id === "number" ? `${shape.group_id}/${label}` : `shape ${i}`;
    const before = objects.get(key);
    const name = textOr(shape.description, "");
    objects.set(key, { label, name, raster: before === undefined ? raster : joined(before.raster, raster) });
  }
  const found = [...objects.values()].map(({ label, name, raster }) => ({
    picture,
    mask: { label, name, rle: rasterToRle(raster) },
  }));
  return { found, skipped: skipped === 0 ? [] : [{ code: "not_a_mask", count: skipped }] };
}

function rasterOfShape(shape: Record<string, unknown>, picture: KnownPicture): Raster | null {
  const points = pointsOf(shape.points);
  const [first, second] = points ?? [];
  if (points === null || first === undefined) return null;
  switch (shape.shape_type ?? "polygon") {
    case "polygon":
      return points.length < 3 ? null : fillRings(picture, [points]);
    case "rectangle": {
      if (second === undefined) return null;
      const { x1, y1, x2, y2 } = boxAbout(points); // two corners, or four
      const corners = [imagePoint(x1, y1), imagePoint(x2, y1), imagePoint(x2, y2), imagePoint(x1, y2)];
      return fillRings(picture, [corners]);
    }
    case "circle":
      if (second === undefined) return null;
      return trimmed(
        strokeRaster(picture, { path: [first], radius: Math.hypot(second.x - first.x, second.y - first.y) }),
      );
    case "mask":
      return maskShape(textOr(shape.mask, ""), first, picture);
    default:
      return null;
  }
}

function maskShape(base64: string, corner: ImagePoint, picture: KnownPicture): Raster | null {
  const png = decode(Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)));
  const { width, height, channels } = png;
  if (width * height > picture.width * picture.height) return null;
  const data = Uint8Array.from({ length: width * height }, (_, i) => ((png.data[i * channels] ?? 0) === 0 ? 0 : 1));
  const area = { x: Math.round(corner.x), y: Math.round(corner.y), width, height };
  const whole = { x: 0, y: 0, width: picture.width, height: picture.height };
  const { width: wide, height: high } = picture;
  const raster = { ...emptyRaster({ width: wide, height: high }), area, data };
  return trimmed(withArea(raster, whole));
}

function pointsOf(value: unknown): ImagePoint[] | null {
  if (!Array.isArray(value) || value.length > 1_000_000) return null;
  const points: ImagePoint[] = [];
  for (const pair of value as unknown[]) {
    const [x, y] = Array.isArray(pair) ? (pair as unknown[]) : [];
    if (typeof x !== "number" || typeof y !== "number" || !Number.isFinite(x) || !Number.isFinite(y)) return null;
    points.push(imagePoint(x, y));
  }
  return points;
}
