import { readFileSync } from "node:fs";
import { crc32 } from "node:zlib";
import { fromArrayBuffer } from "geotiff";
import type { GeoTIFF } from "geotiff";
import { describe, expect, it } from "vitest";

import { pagesOf, prepared, readPage } from "../src/pictures/tiff";
import { rangeOf, rgba } from "../src/pictures/tiff-colours";
import { unpackLzw } from "../src/pictures/tiff-lzw";
import { isTiff } from "../src/pictures/tiff-pages";
import type { PageSpec } from "./tiffs";
import { tiffOf } from "./tiffs";

const [WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, CMYK, LAB] = [0, 1, 2, 3, 5, 8];

const parsed = async (bytes: Buffer): Promise<GeoTIFF> =>
  prepared(await fromArrayBuffer(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer));
const opened = (...pages: PageSpec[]): Promise<GeoTIFF> => parsed(tiffOf(pages));
const fixture = (name: string): Buffer => readFileSync(new URL(`fixtures/${name}`, import.meta.url));

/** The page's colours, four numbers a pixel; the same in both byte orders. */
async function colours(page: PageSpec): Promise<number[][]> {
  const read = async (big: boolean): Promise<number[][]> => {
    const found = await readPage(await parsed(tiffOf([page], big)), 0);
    expect([found.width, found.height]).toEqual([page.width, page.height]);
    const pixels = rgba(found);
    return Array.from({ length: found.width * found.height }, (_, i) => [...pixels.slice(4 * i, 4 * i + 4)]);
  };
  const little = await read(false);
  expect(await read(true)).toEqual(little);
  return little;
}

const grey = (value: number): number[] => [value, value, value, 255];

describe("a page's colours", () => {
  const size = { width: 2, height: 2 };

  it("shows eight bits as they are, whatever their range", async () => {
    const values = Uint8Array.of(10, 20, 30, 40);
    expect(await colours({ ...size, values, photometric: BLACK_IS_ZERO })).toEqual([10, 20, 30, 40].map(grey));
    expect(await colours({ ...size, values, photometric: WHITE_IS_ZERO })).toEqual([245, 235, 225, 215].map(grey));
    const rgb = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
    expect(await colours({ ...size, values: rgb, photometric: RGB, deflate: true })).toEqual([
      [1, 2, 3, 255],
      [4, 5, 6, 255],
      [7, 8, 9, 255],
      [10, 11, 12, 255],
    ]);
  });

  it("shows white through what is transparent, where the file says that the fourth channel is that", async () => {
    const page = { width: 1, height: 1, values: Uint8Array.of(0, 100, 200, 51), photometric: RGB };
    expect(await colours({ ...page, tags: { 338: [2] } })).toEqual([[204, 224, 244, 255]]);
    const multiplied = Uint8Array.of(0, 20, 40, 51);
    expect(await colours({ ...page, values: multiplied, tags: { 338: [1] } })).toEqual([[204, 224, 244, 255]]);
    expect(await colours({ ...page, tags: { 338: [0] } })).toEqual([[0, 100, 200, 255]]);
    expect(await colours({ ...page, photometric: BLACK_IS_ZERO, tags: { 338: [0] } })).toEqual([[0, 100, 200, 255]]);
  });

  it("stretches other values over the range that nearly all of them have", async () => {
    const twelve = Uint16Array.of(300, 1300, 2300, 4300);
    expect(await colours({ ...size, values: twelve, photometric: BLACK_IS_ZERO })).toEqual([0, 64, 128, 255].map(grey));
    expect(await colours({ ...size, values: twelve, photometric: WHITE_IS_ZERO })).toEqual(
      [255, 191, 128, 0].map(grey),
    );
    const many = new Uint16Array(10_000).map((_, i) => 1000 + (i % 100));
    many[5] = 65_535; // one hot pixel does not make the others dark
    const found = await colours({ width: 100, height: 100, values: many, photometric: BLACK_IS_ZERO });
    expect([found[0], found[99], found[5]]).toEqual([0, 255, 255].map(grey));
  });

  it("stretches the channels of a colour picture alike, so that its hues stay", async () => {
    const values = Uint16Array.of(0, 1000, 2000, 4000, 2000, 0);
    expect(await colours({ width: 2, height: 1, values, photometric: RGB })).toEqual([
      [0, 64, 128, 255],
      [255, 128, 0, 255],
    ]);
  });

  it("reads floating point, with values that are no numbers", async () => {
    const values = Float32Array.of(-1, 0, 1, NaN);
    expect(await colours({ ...size, values, photometric: BLACK_IS_ZERO })).toEqual([0, 128, 255, 0].map(grey));
    const flat = new Float32Array(4).fill(7);
    expect(await colours({ ...size, values: flat, photometric: BLACK_IS_ZERO })).toEqual(
      [128, 128, 128, 128].map(grey),
    );
  });

  it("takes the range from all channels and columns alike", async () => {
    const [width, height] = [512, 512]; // one value in three or four is looked at
    const values = new Uint16Array(3 * width * height);
    for (let i = 0; i < width * height; i++) values.set([0, i % 4000, i % 1000], 3 * i);
    const found = await readPage(await opened({ width, height, values, photometric: RGB }), 0);
    const pixel = (i: number): number[] => [...found.values.slice(3 * i, 3 * i + 3)];
    expect(pixel(2000)[0]).toBe(0);
    expect(pixel(2000)[1]).toBeGreaterThan(120);
    expect(pixel(2000)[1]).toBeLessThan(135);
    expect(pixel(999)[2]).toBeGreaterThan(55);
    expect(pixel(999)[2]).toBeLessThan(75);
    const rows = Float32Array.from({ length: 1_000_000 }, (_, i) => i % 1000);
    const { low, high } = rangeOf(rows, null);
    expect(low).toBeLessThan(5);
    expect(high).toBeGreaterThan(994);
  });

  it("shows a few bright spots on nothing, and leaves out what stands for nothing", async () => {
    const spots = new Uint16Array(10_000);
    spots.set([500, 1000], 77);
    const found = await colours({ width: 100, height: 100, values: spots, photometric: BLACK_IS_ZERO });
    expect([found[0], found[77], found[78]]).toEqual([0, 128, 255].map(grey));
    expect(rangeOf([-9999, 1, 2, 3, -9999], -9999)).toEqual({ low: 1, high: 3 });
  });

  it("looks colours up, and knows those of printers", async () => {
    const map = Array.from({ length: 768 }, (_, i) =>
      i % 256 === 1 ? ([65_280, 32_768, 0][Math.floor(i / 256)] ?? 0) : 0,
    );
    const indices = { ...size, values: Uint8Array.of(0, 1, 1, 0), photometric: PALETTE, tags: { 320: map } };
    expect((await colours(indices))[1]).toEqual([255, 128, 0, 255]);
    const ink = {
      ...size,
      values: Uint8Array.of(0, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0, 255, 0, 0, 0, 51),
      photometric: CMYK,
    };
    expect(await colours(ink)).toEqual([[255, 0, 0, 255], grey(255), grey(0), grey(204)]);
  });

  it("reads what Pillow wrote: LZW with codes of every width, and one bit a pixel", async () => {
    const lzw = await readPage(await parsed(fixture("lzw.tif")), 0);
    expect([lzw.width, lzw.height, lzw.channels]).toEqual([96, 72, 1]);
    expect(crc32(lzw.values)).toBe(1_684_319_163); // of the array that was written
    const bilevel = await readPage(await parsed(fixture("bilevel.tif")), 0);
    expect([...bilevel.values]).toEqual(Array.from(lzw.values, (value) => (value > 100 ? 255 : 0)));
  });

  it("tells the orientation", async () => {
    const page = { ...size, values: new Uint8Array(4), photometric: BLACK_IS_ZERO };
    expect((await readPage(await opened(page), 0)).orientation).toBe(1);
    expect((await readPage(await opened({ ...page, tags: { 274: [6] } }), 0)).orientation).toBe(6);
  });
});

describe("a TIFF's pages", () => {
  const page = { width: 2, height: 2, values: new Uint8Array(4), photometric: BLACK_IS_ZERO };

  it("are those that are no smaller copies and no masks", async () => {
    const tiff = await opened(page, { ...page, tags: { 254: [1] } }, page, { ...page, tags: { 254: [4] } });
    expect(await pagesOf(tiff, 4)).toEqual([0, 2]);
    await expect(pagesOf(tiff, 3)).rejects.toMatchObject({ code: "tiff_too_large", message: "more than 3 pages" });
  });

  it.each([
    ["a fax", { 259: [4] }, "tiff_unreadable", /compression.*4/i],
    ["another colour space", { 262: [LAB] }, "tiff_unreadable", /colour space 8/],
    ["complex numbers", { 339: [6] }, "tiff_unreadable", /sample format 6/],
    ["twelve bits", { 258: [12] }, "tiff_unreadable", /12 bits/],
    ["a whole slide", { 256: [100_000], 257: [100_000] }, "tiff_too_large", /100000 × 100000/],
    ["a tile of gigabytes", { 273: null, 322: [65_536], 323: [65_536], 324: [8], 325: [4] }, "tiff_too_large", /2 × 2/],
  ] as const)("are refused with the reason: %s", async (_, tags, code, message) => {
    await expect(readPage(await opened({ ...page, tags }), 0)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message) as string,
    });
  });

  it("of 16 bits that are big-endian differences are refused, which would be noise", async () => {
    const deep = { width: 2, height: 2, values: new Uint16Array(4), photometric: BLACK_IS_ZERO, tags: { 317: [2] } };
    await expect(readPage(await parsed(tiffOf([deep], true)), 0)).rejects.toThrow(/big-endian, predictor 2/);
    await readPage(await parsed(tiffOf([deep])), 0);
  });

  it("that lead in a circle are refused", async () => {
    const bytes = tiffOf([page, page]);
    const first = bytes.readUInt32LE(4);
    const second = bytes.readUInt32LE(first + 2 + 12 * bytes.readUInt16LE(first));
    bytes.writeUInt32LE(first, second + 2 + 12 * bytes.readUInt16LE(second));
    await expect(pagesOf(await parsed(bytes), 5000)).rejects.toMatchObject({ code: "tiff_unreadable" });
  });

  it("of a damaged file are refused as well", async () => {
    const cut = tiffOf([{ ...page, values: new Uint8Array(4).fill(9) }]);
    cut.writeUInt32LE(cut.length + 100, 4);
    await expect(parsed(cut).then((tiff) => pagesOf(tiff, 9))).rejects.toThrow();
  });

  it("are known by the first bytes, not by the name", async () => {
    const file = (...bytes: number[]): Blob => new Blob([Uint8Array.from(bytes)]);
    expect(await isTiff(file(0x49, 0x49, 42, 0))).toBe(true);
    expect(await isTiff(file(0x4d, 0x4d, 0, 43))).toBe(true);
    for (const bytes of [[0x89, 0x50, 0x4e, 0x47], [0x49, 0x4d, 42, 0], [0x49, 0x49], []]) {
      expect(await isTiff(file(...bytes))).toBe(false);
    } // prettier-ignore
  });
});

describe("LZW", () => {
  /** Codes of nine bits, from the high bit on. */
  const packed = (...codes: number[]): Uint8Array => {
    const bits = codes.map((code) => code.toString(2).padStart(9, "0")).join("");
    return Uint8Array.from(bits.match(/.{1,8}/g) ?? [], (byte) => parseInt(byte.padEnd(8, "0"), 2));
  };

  it("writes strings that end in their own beginning", () => {
    expect([...unpackLzw(packed(256, 65, 258, 259, 257), 99)]).toEqual([65, 65, 65, 65, 65, 65]); // A, AA, AAA
    expect([...unpackLzw(packed(256, 65, 66, 258, 260, 257), 99)]).toEqual([65, 66, 65, 66, 65, 66, 65]); // A B AB ABA
  });

  it("ends where the data end, and never gives more than is wanted", () => {
    expect([...unpackLzw(packed(256, 65, 66), 99)]).toEqual([65, 66]);
    expect([...unpackLzw(packed(256, 65, 258, 259, 260), 4)]).toEqual([65, 65, 65, 65]);
  });

  it("refuses codes that nobody wrote, whatever bits are turned", () => {
    expect(() => unpackLzw(packed(256, 65, 300), 99)).toThrow(RangeError);
    expect(() => unpackLzw(packed(256, 258), 99)).toThrow(RangeError);
    const whole = fixture("lzw.tif");
    for (let at = 8; at < whole.length; at += 37) {
      const damaged = Uint8Array.from(whole.subarray(8));
      damaged[at - 8] = (damaged[at - 8] ?? 0) ^ 0x55;
      try {
        expect(unpackLzw(damaged, 96 * 72).length).toBeLessThanOrEqual(96 * 72);
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError);
      }
    }
  });
});
