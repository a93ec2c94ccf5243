import { decode } from "fast-png";

import { rasterToRle, trimmed } from "../geometry/raster";
import type { FilesBeside } from "./mask-names";
import { pictureNameOf } from "./mask-names";
import type { PictureIndex } from "./picture-index";
import { isSize, pngSizeOf } from "./png";
import type { AnnotationFile, Reading } from "./reading";

/** A PNG of more values than this is a photograph and no map of objects. */
const MOST_VALUES = 1024;

/** A grey PNG of so many values, one of them a half-tone, most of it white, is one object with soft edges, as in training. */
const SOFT = { values: 3, from: 64, middle: 128, white: 255 };
/** Edges have more greys than this; where there are so few, they may have been objects, and it is told. */
const FEW_GREYS = 8;

/**
 * A mask of two values is one object, what is not black, and so is one with soft edges, what is nearer to white; a map of more,
 * of indices or greys, is an object for each value but 0, and but 255 in maps with a palette, which VOC calls void.
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
  const { values, cut } = told === null ? hardened(png, indices(png)) : { values: indices(png), cut: 0 }; // a legend names every value
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
  return { found, skipped: cut > 0 && cut <= FEW_GREYS ? [{ code: "soft_edges", count: 1 }] : [] };
}

interface Hardened {
  readonly values: Uint32Array;
  readonly cut: number;
}

/** A mask that was drawn or scaled with soft edges (model_export/data/mask_images.py has the same rule), cut in the middle; `cut`: of so many greys. */
function hardened({ channels, depth, palette }: ReturnType<typeof decode>, values: Uint32Array): Hardened {
  const asItIs = { values, cut: 0 };
  const unit = channels < 3 ? 1 : 0x01_01_01; // a grey as a colour
  if (depth !== 8 || palette !== undefined || values.some((value) => value % unit !== 0)) return asItIs;
  const counts = new Uint32Array(256);
  for (const value of values) counts[value / unit] = (counts[value / unit] ?? 0) + 1;
  const set = [...counts].flatMap((count, grey) => (count > 0 && grey > 0 ? [grey] : []));
  const isMostlyWhite = 2 * (counts[SOFT.white] ?? 0) > values.length - (counts[0] ?? 0);
  const hasHalfTone = set.some((grey) => grey >= SOFT.from && grey < SOFT.white);
  if (set.length < SOFT.values || !isMostlyWhite || !hasHalfTone) return asItIs;
  return { values: values.map((value) => (value / unit < SOFT.middle ? 0 : SOFT.white * unit)), cut: set.length };
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
