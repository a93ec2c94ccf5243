import { describe, expect, it } from "vitest";

import { joined, without } from "../src/geometry/combine";
import { withoutHoles, withoutIslands } from "../src/geometry/components";
import { contoursOf, fillRings, ringsOf, simplified } from "../src/geometry/contours";
import { edited } from "../src/geometry/edit";
import { imagePoint } from "../src/geometry/frames";
import { iou, placed, rasterOf } from "../src/geometry/mask";
import { toLogits } from "../src/geometry/mask-logits";
import { grown, shrunk, smoothed } from "../src/geometry/morphology";
import type { Raster } from "../src/geometry/raster";
import { emptyRaster, pixelsOf, rasterToRle, trimmed, withArea } from "../src/geometry/raster";
import { place } from "../src/geometry/resize";
import { painted, strokeRaster } from "../src/geometry/strokes";

const SIZE = { width: 23, height: 17 };
const WHOLE = { x: 0, y: 0, ...SIZE };

function randomiser(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return (state / 2_147_483_648) * below;
  };
}

/** Blobs: noise that is set where most of the pixels about it are. */
function blobs(seed: number, density = 0.5): Raster {
  const next = randomiser(seed);
  const noise = Uint8Array.from({ length: SIZE.width * SIZE.height }, () => (next(1) < density ? 1 : 0));
  const data = noise.map((_, i) => {
    const [x, y] = [i % SIZE.width, Math.floor(i / SIZE.width)];
    let sum = 0;
    for (let j = -1; j <= 1; j++) {
      for (let k = -1; k <= 1; k++) {
        if (x + k >= 0 && x + k < SIZE.width && y + j >= 0) sum += noise[(y + j) * SIZE.width + x + k] ?? 0;
      }
    }
    return sum > 4 ? 1 : 0;
  });
  return trimmed({ picture: SIZE, area: WHOLE, data });
}

const bits = (raster: Raster): Uint8Array => withArea(raster, WHOLE).data;
const each = (test: (x: number, y: number, i: number) => boolean): number[] =>
  Array.from({ length: SIZE.width * SIZE.height }, (_, i) =>
    test(i % SIZE.width, Math.floor(i / SIZE.width), i) ? 1 : 0,
  );

function disc(radius: number, picture = { width: 200, height: 160 }): Raster {
  return strokeRaster(picture, { path: [imagePoint(100.5, 80.5)], radius });
}

describe("combining", () => {
  it("is what it says of every pixel", () => {
    for (let seed = 1; seed < 60; seed++) {
      const [a, b] = [blobs(seed), blobs(seed + 1000, 0.45)];
      const [setA, setB] = [bits(a), bits(b)];
      expect([...bits(joined(a, b))]).toEqual(each((_x, _y, i) => setA[i] === 1 || setB[i] === 1));
      expect([...bits(without(a, b))]).toEqual(each((_x, _y, i) => setA[i] === 1 && setB[i] === 0));
      expect(without(a, b)).toEqual(trimmed(without(a, b)));
    }
  });
});

describe("strokes", () => {
  it("hold the pixels whose centres are near the path", () => {
    for (let seed = 1; seed < 80; seed++) {
      const next = randomiser(seed);
      const path = Array.from({ length: 1 + Math.floor(next(4)) }, () => imagePoint(next(27) - 2, next(21) - 2));
      const radius = 0.5 + next(6);
      const far = (x: number, y: number): number => {
        let least = Infinity;
        path.forEach((b, i) => {
          const a = path[i - 1] ?? b;
          const [dx, dy] = [b.x - a.x, b.y - a.y];
          const length = dx * dx + dy * dy;
          const t = length === 0 ? 0 : Math.min(Math.max(((x - a.x) * dx + (y - a.y) * dy) / length, 0), 1);
          least = Math.min(least, Math.hypot(x - a.x - t * dx, y - a.y - t * dy));
        });
        return least;
      };
      const wanted = each((x, y) => far(x + 0.5, y + 0.5) <= radius);
      expect([...bits(strokeRaster(SIZE, { path, radius }))]).toEqual(wanted);
    }
  });

  it("are painted and erased", () => {
    const stroke = { path: [imagePoint(5, 5), imagePoint(12, 9)], radius: 3 };
    const mask = painted(emptyRaster(SIZE), stroke, false);
    expect(pixelsOf(mask)).toBeGreaterThan(30);
    expect(painted(mask, stroke, true)).toEqual(emptyRaster(SIZE));
  });
});

describe("growing and shrinking", () => {
  it("go by the exact distance", () => {
    for (let seed = 1; seed < 40; seed++) {
      const raster = blobs(seed, 0.4);
      const set = bits(raster);
      const within = (x: number, y: number, value: number, limit: number): boolean =>
        set.some(
          (other, i) =>
            other === value && (x - (i % SIZE.width)) ** 2 + (y - Math.floor(i / SIZE.width)) ** 2 <= limit * limit,
        );
      for (const limit of [1, 1.5, 3]) {
        expect([...bits(grown(raster, limit))]).toEqual(each((x, y) => within(x, y, 1, limit)));
        expect([...bits(shrunk(raster, limit))]).toEqual(each((x, y) => !within(x, y, 0, limit)));
      }
    }
  });

  it("leave nothing of nothing", () => {
    const empty = emptyRaster(SIZE);
    for (const kind of ["grow", "shrink"] as const) expect(edited(empty, { kind, pixels: 2 }, [])).toEqual(empty);
    for (const kind of ["fill_holes", "remove_islands"] as const) expect(edited(empty, { kind }, [])).toEqual(empty);
    expect(edited(empty, { kind: "smooth", radius: 2 }, [])).toEqual(empty);
  });
});

describe("smoothing", () => {
  it("keeps a disc's size and place and takes its bumps away", () => {
    const round = disc(40);
    const bumpy = joined(round, strokeRaster(round.picture, { path: [imagePoint(100.5, 38)], radius: 2 }));
    const smooth = smoothed(bumpy, 3);
    expect(Math.abs(pixelsOf(smooth) / pixelsOf(round) - 1)).toBeLessThan(0.02);
    const whole = { x: 0, y: 0, width: 200, height: 160 };
    expect(iou(withArea(smooth, whole).data, withArea(round, whole).data)).toBeGreaterThan(0.98);
    expect(smooth.area.y).toBeGreaterThan(bumpy.area.y);
  });
});

describe("islands and holes", () => {
  it("keep the largest part, and fill what the outside does not reach", () => {
    const ring = without(disc(30), disc(10));
    const island = strokeRaster(ring.picture, { path: [imagePoint(10, 10)], radius: 4 });
    expect(withoutIslands(joined(ring, island))).toEqual(ring);
    expect(withoutHoles(joined(ring, island))).toEqual(joined(disc(30), island));
    const lake = without(
      ring,
      strokeRaster(ring.picture, { path: [imagePoint(100, 80), imagePoint(100, 160)], radius: 3 }),
    );
    expect(withoutHoles(lake)).toEqual(lake);
  });
});

describe("contours", () => {
  it("are the mask again when they are filled", () => {
    for (let seed = 1; seed < 80; seed++) {
      const raster = blobs(seed, 0.35 + (seed % 4) / 10);
      expect(fillRings(SIZE, ringsOf(contoursOf(raster)))).toEqual(raster);
    }
    const corner = edited(emptyRaster(SIZE), { kind: "set", rle: rasterToRle(blobs(3)) }, []);
    expect(edited(emptyRaster(SIZE), { kind: "outline", rings: ringsOf(contoursOf(corner)) }, [])).toEqual(corner);
  });

  it("keep holes and parts, and most of the area with a tenth of the points", () => {
    const ring = without(disc(50), disc(20));
    const exact = contoursOf(ring);
    expect(exact.map(({ holes }) => holes.length)).toEqual([1]);
    const short = simplified(exact, 0.75);
    expect(short[0]?.outer.length).toBeLessThan((exact[0]?.outer.length ?? 0) / 5);
    const filled = fillRings(ring.picture, ringsOf(short));
    const whole = { x: 0, y: 0, width: 200, height: 160 };
    expect(iou(withArea(filled, whole).data, withArea(ring, whole).data)).toBeGreaterThan(0.97);
  });
});

describe("a mask as logits", () => {
  it.each(["longest_side", "square"] as const)("is the same mask on the decoder's grid (%s)", (rule) => {
    for (const picture of [
      { width: 200, height: 160 },
      { width: 1900, height: 700 },
    ]) {
      const radius = Math.min(picture.width, picture.height) / 3;
      const round = strokeRaster(picture, { path: [imagePoint(picture.width / 2, picture.height / 2)], radius });
      const placement = place(picture, 64, rule);
      for (const grid of [
        { width: 64, height: 64 },
        { width: 256, height: 256 },
      ]) {
        const data = toLogits(round, placement, grid);
        expect(Math.max(...data)).toBeLessThan(7);
        const back = rasterOf(placed({ data, ...grid }, placement, 0));
        const whole = { x: 0, y: 0, ...picture };
        expect(iou(withArea(back, whole).data, withArea(round, whole).data)).toBeGreaterThan(0.95);
      }
    }
  });
});
