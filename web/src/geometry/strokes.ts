import { joined, without } from "./combine";
import type { Stroke } from "./edit";
import { boxAbout } from "./frames";
import type { Raster } from "./raster";
import { emptyRaster } from "./raster";

/** The mask with a stroke painted, or with it erased. */
export function painted(mask: Raster, stroke: Stroke, erase: boolean): Raster {
  const brushed = strokeRaster(mask.picture, stroke);
  return erase ? without(mask, brushed) : joined(mask, brushed);
}

/** Every pixel of the picture whose centre is within the radius of the path. */
export function strokeRaster(picture: Raster["picture"], { path, radius }: Stroke): Raster {
  if (path.length === 0) return emptyRaster(picture);
  const box = boxAbout(path);
  const left = Math.max(Math.floor(box.x1 - radius), 0);
  const top = Math.max(Math.floor(box.y1 - radius), 0);
  const right = Math.min(Math.ceil(box.x2 + radius), picture.width);
  const bottom = Math.min(Math.ceil(box.y2 + radius), picture.height);
  if (right <= left || bottom <= top) return emptyRaster(picture);
  const area = { x: left, y: top, width: right - left, height: bottom - top };
  const data = new Uint8Array(area.width * area.height);
  path.forEach((to, i) => {
    const from = path[i - 1] ?? to;
    const [x1, y1] = [from.x - left - 0.5, from.y - top - 0.5]; // so that a pixel's centre is its index
    const [x2, y2] = [to.x - left - 0.5, to.y - top - 0.5];
    const rows = [Math.max(Math.ceil(Math.min(y1, y2) - radius), 0), Math.floor(Math.max(y1, y2) + radius)] as const;
    for (let y = rows[0]; y <= Math.min(rows[1], area.height - 1); y++) {
      const [low, high] = spanOf(x1, y1, x2, y2, radius, y);
      const first = Math.max(Math.ceil(low), 0);
      const last = Math.min(Math.floor(high), area.width - 1);
      if (last >= first) data.fill(1, y * area.width + first, y * area.width + last + 1);
    }
  });
  return { picture, area, data };
}

/** Where the row at `y` lies inside a capsule: it is convex, so that is one span, the hull of its discs' and its band's. */
function spanOf(x1: number, y1: number, x2: number, y2: number, radius: number, y: number): readonly [number, number] {
  let [low, high] = [Infinity, -Infinity];
  const add = (from: number, to: number): void => {
    low = Math.min(low, from);
    high = Math.max(high, to);
  };
  for (const [x, cy] of [
    [x1, y1],
    [x2, y2],
  ] as const) {
    const half = radius * radius - (y - cy) * (y - cy);
    if (half >= 0) add(x - Math.sqrt(half), x + Math.sqrt(half));
  }
  const [dx, dy] = [x2 - x1, y2 - y1];
  const length = Math.hypot(dx, dy);
  if (length === 0) return [low, high];
  const [nx, ny] = [(-dy / length) * radius, (dx / length) * radius];
  const corners = [
    [x1 + nx, y1 + ny],
    [x2 + nx, y2 + ny],
    [x2 - nx, y2 - ny],
    [x1 - nx, y1 - ny],
  ] as const;
  corners.forEach(([ax, ay], i) => {
    const [bx, by] = corners[(i + 1) % 4] ?? [ax, ay];
    if (Math.min(ay, by) > y || Math.max(ay, by) < y) return;
    if (ay === by) add(Math.min(ax, bx), Math.max(ax, bx));
    else {
      const x = ax + ((y - ay) / (by - ay)) * (bx - ax);
      add(x, x);
    }
  });
  return [low, high];
}
