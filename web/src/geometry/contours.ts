import { contours } from "d3-contour";
import simplify from "simplify-js";

import type { ImagePoint, Size } from "./frames";
import { boxAbout, imagePoint } from "./frames";
import type { Raster } from "./raster";
import { emptyRaster, trimmed, withArea } from "./raster";

/** Closed by itself: the last point is not the first again. */
export type Ring = readonly ImagePoint[];

/** One connected piece of a mask, and what is cut out of it. */
export interface Part {
  readonly outer: Ring;
  readonly holes: readonly Ring[];
}

/**
 * The mask's outlines, half way between the centres of pixels inside and outside it (marching squares). Filling them gives
 * the very mask again.
 */
export function contoursOf(raster: Raster): Part[] {
  const { area } = trimmed(raster);
  if (area.width === 0) return [];
  // A frame of zeros closes every outline; it may lie outside the picture, the outlines do not.
  const wide = { x: area.x - 1, y: area.y - 1, width: area.width + 2, height: area.height + 2 };
  const values = withArea(raster, wide).data as unknown as number[]; // any indexed numbers do
  const { coordinates } = contours().size([wide.width, wide.height]).contour(values, 0.5);
  const ringOf = (positions: readonly number[][]): Ring =>
    positions.slice(0, -1).map(([x = 0, y = 0]) => imagePoint(x + wide.x, y + wide.y));
  return coordinates.flatMap(([outer, ...holes]) =>
    outer === undefined ? [] : [{ outer: ringOf(outer), holes: holes.map(ringOf) }],
  );
}

/** Fewer points, none of those left out farther than `tolerance` (ImagePx) from what is left (Douglas and Peucker). */
export function simplified(parts: readonly Part[], tolerance: number): Part[] {
  return parts.map(({ outer, holes }) => ({
    outer: simplifiedRing(outer, tolerance),
    holes: holes.map((hole) => simplifiedRing(hole, tolerance)),
  }));
}

function simplifiedRing(ring: Ring, tolerance: number): Ring {
  const [first] = ring;
  if (first === undefined || ring.length <= 4) return ring;
  // The farthest point from the first is an end of its own, so that a ring cannot fold into a line.
  const far = ring.reduce((best, point, i) => (gap(point, first) > gap(ring[best] ?? first, first) ? i : best), 0);
  const halves = [ring.slice(0, far + 1), [...ring.slice(far), first]];
  const short = halves.flatMap((half) => simplify([...half], tolerance, true).slice(0, -1));
  return short.length < 3 ? ring : short.map(({ x, y }) => imagePoint(x, y));
}

const gap = (a: ImagePoint, b: ImagePoint): number => Math.hypot(a.x - b.x, a.y - b.y);

/** Pixels whose centres lie inside an odd number of the rings, as far as the picture goes. */
export function fillRings(picture: Size, rings: readonly Ring[]): Raster {
  const points = rings.flat();
  if (points.length === 0) return emptyRaster(picture);
  const box = boxAbout(points);
  const left = Math.max(Math.floor(box.x1), 0);
  const top = Math.max(Math.floor(box.y1), 0);
  const right = Math.min(Math.ceil(box.x2), picture.width);
  const bottom = Math.min(Math.ceil(box.y2), picture.height);
  if (!(right > left && bottom > top)) return emptyRaster(picture);
  const area = { x: left, y: top, width: right - left, height: bottom - top };
  const crossings: number[][] = Array.from({ length: area.height }, () => []);
  for (const ring of rings) {
    ring.forEach((a, i) => {
      const b = ring[(i + 1) % ring.length] ?? a;
      const [upper, lower] = a.y < b.y ? [a, b] : [b, a];
      const first = Math.max(Math.ceil(upper.y - 0.5), top);
      const last = Math.min(Math.ceil(lower.y - 0.5), bottom); // the lower end is the next edge's
      for (let y = first; y < last; y++) {
        crossings[y - top]?.push(upper.x + ((y + 0.5 - upper.y) / (lower.y - upper.y)) * (lower.x - upper.x));
      }
    });
  }
  const data = new Uint8Array(area.width * area.height);
  crossings.forEach((xs, y) => {
    xs.sort((a, b) => a - b);
    for (let i = 0; i + 1 < xs.length; i += 2) {
      const from = Math.max(Math.ceil((xs[i] ?? 0) - 0.5), left) - left;
      const to = Math.min(Math.ceil((xs[i + 1] ?? 0) - 0.5), right) - left;
      if (to > from) data.fill(1, y * area.width + from, y * area.width + to);
    }
  });
  return trimmed({ picture, area, data });
}

/** All parts together. */
export const ringsOf = (parts: readonly Part[]): Ring[] => parts.flatMap(({ outer, holes }) => [outer, ...holes]);
