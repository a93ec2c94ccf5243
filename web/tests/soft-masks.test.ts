import { encode } from "fast-png";
import { expect, it } from "vitest";

import type { Palette } from "../src/formats/png";
import { encodePng } from "../src/formats/png";
import { readAnnotations } from "../src/formats/read";
import type { AnnotationFile, Skipped } from "../src/formats/reading";
import { rleToRaster } from "../src/geometry/raster";

const SIZE = { width: 12, height: 10 };
const CAT = { id: 0, name: "cat.jpg", ...SIZE };

/** Grey columns of the picture, left to right; zeros behind them. */
const grey = (...columns: number[]): Uint8Array =>
  Uint8Array.from({ length: 120 }, (_, i) => columns[i % SIZE.width] ?? 0);

/** As [left, width] of each object. */
function objectsIn(bytes: Uint8Array, ...beside: { path: string; bytes: Uint8Array }[]): number[][] {
  const { pictures, skipped } = readAnnotations([{ path: "masks/cat.png", bytes }, ...beside], [CAT]);
  expect(skipped.filter(({ code }) => code !== "soft_edges")).toEqual([]);
  return (pictures[0]?.objects ?? []).map(({ rle }) => {
    const { x, width } = rleToRaster(rle).area;
    return [x, width];
  });
}

const written = (values: Uint8Array | Uint16Array, palette?: Palette): Promise<Uint8Array> =>
  encodePng(values, SIZE.width, SIZE.height, palette);

const SOFT = grey(0, 30, 127, 128, 255, 255, 255, 255, 255, 255, 90);

it("a mask with soft edges is one object, cut in the middle", async () => {
  expect(objectsIn(await written(SOFT))).toEqual([[3, 7]]);
  for (const channels of [2, 3, 4] as const) {
    const colours = channels - ((channels + 1) % 2); // the last of an even number is alpha
    const data = Uint8Array.from(SOFT).reduce<number[]>((all, value) => {
      all.push(...Array.from({ length: channels }, (_, c) => (c < colours ? value : 255)));
      return all;
    }, []);
    expect(objectsIn(encode({ ...SIZE, channels, data: Uint8Array.from(data) }))).toEqual([[3, 7]]);
  }
});

it("that a mask has soft edges is told where it has so few greys that they may be objects", async () => {
  const told = async (columns: number[], ...beside: AnnotationFile[]): Promise<Skipped[]> => {
    const bytes = await written(grey(...columns));
    return [...readAnnotations([{ path: "masks/cat.png", bytes }, ...beside], [CAT]).skipped];
  };
  const few = [85, 170, 255, 255, 255, 255];
  expect(await told(few)).toEqual([{ code: "soft_edges", path: "masks/cat.png", count: 1 }]);
  expect(await told([20, 50, 80, 110, 140, 170, 200, 230, 255])).toEqual([]); // little of it white: a map
  const many = Uint8Array.from({ length: 120 }, (_, i) => (i < 8 ? 20 + 25 * i : 255));
  const bytes = await written(many);
  expect(objectsIn(bytes)).toHaveLength(1);
  expect(readAnnotations([{ path: "masks/cat.png", bytes }], [CAT]).skipped).toEqual([]);
  const legend = { picture: "cat.jpg", objects: [{ value: 85, name: "dog", label: "" }] };
  const named = { path: "masks/cat.json", bytes: new TextEncoder().encode(JSON.stringify(legend)) };
  expect(await told(few, named)).toEqual([]);
});

it("maps of objects have one for each value still", async () => {
  const count = async (...columns: number[]): Promise<number> => objectsIn(await written(grey(...columns))).length;
  expect(await count(1, 2, 255, 255, 255)).toBe(3); // small numbers with a border that is white
  expect(await count(1, 2, 63, 255, 255, 255, 255)).toBe(4);
  expect(await count(64, 128, 192, 255)).toBe(4); // far apart, and little of it white
  expect(await count(128, 255, 255, 255)).toBe(2);
  expect(objectsIn(await written(Uint16Array.from(SOFT)))).toHaveLength(5);
  const palette = Array.from({ length: 256 }, (_, i) => [i, i, i] as const);
  expect(objectsIn(await written(SOFT, palette))).toHaveLength(4); // 255 is void there
  const colours = Uint8Array.from({ length: 360 }, (_, i) => (i % 3 === 0 ? (SOFT[i / 3] ?? 0) : 0));
  expect(objectsIn(encode({ ...SIZE, channels: 3, data: colours }))).toHaveLength(5);
});

it("a label map with its legend has all that this names", async () => {
  const legend = { picture: "cat.jpg", objects: [{ value: 255, name: "dog", label: "" }] };
  const bytes = new TextEncoder().encode(JSON.stringify(legend));
  expect(objectsIn(await written(SOFT), { path: "masks/cat.json", bytes })).toHaveLength(5);
});
