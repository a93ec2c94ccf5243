import { decode } from "fast-png";

import { rasterToRle, trimmed } from "../geometry/raster";
import type { FilesBeside } from "./mask-names";
import { pictureNameOf } from "./mask-names";
import type { PictureIndex } from "./picture-index";
import { isSize, pngSizeOf } from "./png";
import type { AnnotationFile, Reading } from "./reading";

/** A PNG of more values than this is a photograph and no map of objects. */
const MOST_VALUES = 1024;

/**
 * A mask of two values is one object, what is not black; a map of more, of indices or greys, is an object for each value but
 * 0, and but 255 in maps with a palette, which VOC calls void.
 */
export function readMaskPng(file: AnnotationFile, pictures: PictureIndex, beside: FilesBeside): Reading {
  const folder = file.path.split("/").slice(0, -1).join("/"); // masks of single objects lie in one that is named as their picture
  const told = beside.pictureOf(file);
  const picture =
    (told === null ? null : pictures.find(told)) ??
    pictures.findStem(pictureNameOf(file.path).replace(/\.png$/i, "")) ??
    (folder === "" ? null : pictures.findStem(folder));
  if (picture === null) return { found: [], skipped: [{ code: "no_such_picture", count: 1 }] };
  if (!isSize(pngSizeOf(file.bytes), picture)) {
    return { found: [], skipped: [{ code: "size_differs", count: 1 }] }; // before anything is unpacked
  }
  const png = decode(file.bytes);
  const { width, height, channels, palette } = png;
  const values = indices(png);
  const present = new Set(values);
  present.delete(0);
  if (palette !== undefined) present.delete(255);
  if (present.size > MOST_VALUES) return { found: [], skipped: [{ code: "not_a_mask", count: 1 }] };
  const colours = channels >= 3 && present.size > 1 ? null : [...present].sort((a, b) => a - b);
  const wanted = colours ?? [...present];
  const names = beside.namesOf(file, { width, height });
  const area = { x: 0, y: 0, width, height };
  const size = { width: picture.width, height: picture.height };
  const found = wanted.map((value) => {
    const data = Uint8Array.from(values, (other) => (other === value ? 1 : 0));
    return {
      picture,
      mask: { ...names(value, data.indexOf(1)), rle: rasterToRle(trimmed({ picture: size, area, data })) },
    };
  });
  return { found, skipped: [] };
}

/** One number a pixel: the index or grey as it is, a colour's three bytes, 0 where it is transparent or black. */
function indices(png: ReturnType<typeof decode>): Uint32Array {
  const { width, height, channels, depth, data } = png;
  const out = new Uint32Array(width * height);
  if (channels === 1 && depth < 8) {
    const rowBytes = Math.ceil((width * depth) / 8);
    for (let i = 0; i < out.length; i++) {
      const [x, y] = [i % width, Math.floor(i / width)];
      const byte = data[y * rowBytes + ((x * depth) >> 3)] ?? 0;
      out[i] = (byte >> (8 - depth - ((x * depth) & 7))) & ((1 << depth) - 1);
    }
    return out;
  }
  for (let i = 0; i < out.length; i++) {
    const at = i * channels;
    const transparent = (channels === 2 || channels === 4) && data[at + channels - 1] === 0;
    if (transparent) continue;
    const [a = 0, b = 0, c = 0] = [data[at], data[at + 1], data[at + 2]];
    out[i] = channels < 3 ? a : a * 65_536 + b * 256 + c;
  }
  return out;
}
