import { expect, test } from "vitest";

import { emptyRaster, pixelsOf, rasterToRle, rleToRaster, trimmed, withArea } from "../src/geometry/raster";
import { decodeRle, encodeRle } from "../src/geometry/rle";

/** Reproducible noise: a rectangle of random pixels somewhere in a picture. */
function noise(seed: number): { mask: Uint8Array; width: number; height: number } {
  let state = seed;
  const next = (below: number): number => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * below);
  };
  const [width, height] = [1 + next(20), 1 + next(20)];
  const [x, y] = [next(width), next(height)];
  const mask = new Uint8Array(width * height);
  for (let j = y; j < height; j++) for (let i = x; i < width; i++) mask[j * width + i] = next(2);
  return { mask, width, height };
}

test("run lengths and rasters are the same masks", () => {
  for (let seed = 1; seed < 200; seed++) {
    const { mask, width, height } = noise(seed);
    const rle = encodeRle(mask, width, height);
    const raster = rleToRaster(rle);
    expect(rasterToRle(raster)).toEqual(rle);
    const whole = withArea(raster, { x: 0, y: 0, width, height });
    expect([...whole.data]).toEqual([...mask]);
    expect(trimmed(whole)).toEqual(raster);
    expect(pixelsOf(raster)).toBe(mask.reduce((sum, value) => sum + value, 0));
  }
});

test("an empty mask has no area and full run lengths", () => {
  const empty = emptyRaster({ width: 4, height: 3 });
  expect(decodeRle(rasterToRle(empty))).toEqual(new Uint8Array(12));
  expect(rleToRaster(rasterToRle(empty))).toEqual(empty);
});
