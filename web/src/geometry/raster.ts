import type { Size } from "./frames";
import type { Rectangle } from "./mask";
import type { Rle } from "./rle";
import { compressRuns, decompressRuns } from "./rle";

/**
 * A binary mask of a picture, held only where it can be set: `data` is row-major over `area` (ImagePx, whole pixels, inside
 * the picture), 1 in the mask and 0 outside it. An empty mask has an area of no width and no height.
 */
export interface Raster {
  readonly picture: Size;
  readonly area: Rectangle;
  readonly data: Uint8Array;
}

export const NO_AREA: Rectangle = { x: 0, y: 0, width: 0, height: 0 };

export function emptyRaster(picture: Size): Raster {
  return { picture, area: NO_AREA, data: new Uint8Array() };
}

/** The same mask, its area no larger than its set pixels' bounds. */
export function trimmed(raster: Raster): Raster {
  const { area, data, picture } = raster;
  let [left, top, right, bottom] = [area.width, area.height, -1, -1];
  for (let y = 0; y < area.height; y++) {
    const start = y * area.width;
    const first = data.subarray(start, start + area.width).indexOf(1);
    if (first < 0) continue;
    const last = data.subarray(start, start + area.width).lastIndexOf(1);
    left = Math.min(left, first);
    right = Math.max(right, last);
    top = Math.min(top, y);
    bottom = y;
  }
  if (right < 0) return emptyRaster(picture);
  const bounds = { x: area.x + left, y: area.y + top, width: right - left + 1, height: bottom - top + 1 };
  return withArea(raster, bounds);
}

/** The part of the mask inside `area`, which may reach beyond what was held before: zeros there. Always a copy. */
export function withArea({ picture, area: from, data }: Raster, area: Rectangle): Raster {
  const out = new Uint8Array(area.width * area.height);
  const left = Math.max(area.x, from.x);
  const right = Math.min(area.x + area.width, from.x + from.width);
  const top = Math.max(area.y, from.y);
  const bottom = Math.min(area.y + area.height, from.y + from.height);
  if (right > left) {
    for (let y = top; y < bottom; y++) {
      const start = (y - from.y) * from.width + left - from.x;
      out.set(data.subarray(start, start + right - left), (y - area.y) * area.width + left - area.x);
    }
  }
  return { picture, area, data: out };
}

/** How many pixels are set. */
export function pixelsOf({ data }: Raster): number {
  let count = 0;
  for (const value of data) count += value;
  return count;
}

/** COCO's run lengths over the whole picture; only the area is read. */
export function rasterToRle({ picture, area, data }: Raster): Rle {
  const runs: number[] = [];
  let current = 0;
  let length = 0;
  const add = (value: number, times: number): void => {
    if (times === 0) return;
    if (value === current) {
      length += times;
      return;
    }
    runs.push(length);
    current = value;
    length = times;
  };
  const empty = area.width === 0 || area.height === 0;
  const below = picture.height - area.y - area.height;
  if (empty) add(0, picture.width * picture.height);
  else {
    add(0, area.x * picture.height);
    for (let x = 0; x < area.width; x++) {
      add(0, area.y);
      for (let i = x; i < data.length; i += area.width) add(data[i] === 0 ? 0 : 1, 1);
      add(0, below);
    }
    add(0, (picture.width - area.x - area.width) * picture.height);
  }
  runs.push(length);
  return { size: [picture.height, picture.width], counts: compressRuns(runs) };
}

/** The mask of run lengths, trimmed. Runs beyond the picture are dropped. */
export function rleToRaster({ size: [height, width], counts }: Rle): Raster {
  const runs = decompressRuns(counts);
  const picture = { width, height };
  const pixels = width * height;
  let [left, right, top, bottom] = [width, -1, height, -1];
  let position = 0;
  const set: [from: number, to: number][] = [];
  runs.forEach((length, index) => {
    const [from, to] = [position, Math.min(position + length, pixels)];
    position = to;
    if (index % 2 === 0 || to <= from) return;
    set.push([from, to]);
    const [firstColumn, lastColumn] = [Math.floor(from / height), Math.floor((to - 1) / height)];
    left = Math.min(left, firstColumn);
    right = Math.max(right, lastColumn);
    top = Math.min(top, firstColumn === lastColumn ? from % height : 0);
    bottom = Math.max(bottom, firstColumn === lastColumn ? (to - 1) % height : height - 1);
  });
  if (right < 0) return emptyRaster(picture);
  const area = { x: left, y: top, width: right - left + 1, height: bottom - top + 1 };
  const data = new Uint8Array(area.width * area.height);
  for (const [from, to] of set) {
    for (let i = from; i < to; i++) data[((i % height) - top) * area.width + Math.floor(i / height) - left] = 1;
  }
  return trimmed({ picture, area, data });
}
