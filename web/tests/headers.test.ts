import { describe, expect, it } from "vitest";

import { sizeOf } from "../src/pictures/header";
import { eighths, fitted } from "../src/pictures/pixels";
import { ascii, jpeg, little16, little32, png } from "./pictures";

const blob = (bytes: readonly number[] | Uint8Array<ArrayBuffer>): Blob => new Blob([new Uint8Array(bytes)]);
const padded = (bytes: readonly number[]): Blob => blob([...bytes, ...new Array<number>(40).fill(0)]);

describe("the size in a header", () => {
  it("of a JPEG, upright", async () => {
    expect(await sizeOf(blob(jpeg(640, 427)))).toEqual({ width: 640, height: 427 });
    expect(await sizeOf(blob(jpeg(640, 427, 3)))).toEqual({ width: 640, height: 427 });
    for (const turned of [5, 6, 7, 8]) {
      expect(await sizeOf(blob(jpeg(640, 427, turned)))).toEqual({ width: 427, height: 640 });
    }
  });

  it("of a JPEG behind hundreds of kilobytes of other segments", async () => {
    expect(await sizeOf(blob(jpeg(9000, 6700, 6, 400_000)))).toEqual({ width: 6700, height: 9000 });
  });

  it("of a PNG, which EXIF can turn too", async () => {
    expect(await sizeOf(blob(png(33, 44)))).toEqual({ width: 33, height: 44 });
    expect(await sizeOf(blob(png(33, 44, 8)))).toEqual({ width: 44, height: 33 });
  });

  it("of WebP in its three kinds", async () => {
    const webp = (kind: string, rest: number[]): Blob =>
      padded([...ascii("RIFF"), 0, 0, 0, 0, ...ascii(`WEBP${kind}`), 0, 0, 0, 0, ...rest]);
    const lossy = [0, 0, 0, 0x9d, 0x01, 0x2a, ...little16(1000), ...little16(700)];
    expect(await sizeOf(webp("VP8 ", lossy))).toEqual({ width: 1000, height: 700 });
    const lossless = [0x2f, ...little32(999 | (699 << 14))];
    expect(await sizeOf(webp("VP8L", lossless))).toEqual({ width: 1000, height: 700 });
    const extended = [0, 0, 0, 0, ...little32(69_999).slice(0, 3), ...little32(699).slice(0, 3)];
    expect(await sizeOf(webp("VP8X", extended))).toEqual({ width: 70_000, height: 700 });
  });

  it("of GIF and BMP, old, and with rows from the top", async () => {
    expect(await sizeOf(padded([...ascii("GIF89a"), ...little16(12), ...little16(34)]))).toEqual({
      width: 12,
      height: 34,
    });
    const bmp = (...rest: number[]): Blob => padded([...ascii("BM"), ...new Array<number>(12).fill(0), ...rest]);
    expect(await sizeOf(bmp(...little32(40), ...little32(56), ...little32(-78)))).toEqual({ width: 56, height: 78 });
    expect(await sizeOf(bmp(...little32(12), ...little16(56), ...little16(78)))).toEqual({ width: 56, height: 78 });
  });

  it("is unknown for what is cut off, empty, or no picture", async () => {
    expect(await sizeOf(blob([]))).toBeNull();
    expect(await sizeOf(padded(ascii("hello")))).toBeNull();
    expect(await sizeOf(blob(jpeg(640, 427, 6).subarray(0, 40)))).toBeNull();
    expect(await sizeOf(blob(jpeg(0, 427)))).toBeNull();
    for (let length = 0; length < 60; length++) await sizeOf(blob(jpeg(640, 427, 6).subarray(0, length)));
  });
});

describe("small pictures of large ones", () => {
  it("keep the ratio and never grow", () => {
    expect(fitted({ width: 9000, height: 6000 }, 300)).toEqual({ width: 300, height: 200 });
    expect(fitted({ width: 20, height: 10 }, 300)).toEqual({ width: 20, height: 10 });
    expect(fitted({ width: 9000, height: 2 }, 300)).toEqual({ width: 300, height: 1 });
  });

  it("are decoded at the smallest eighth that is large enough", () => {
    expect(eighths({ width: 9000, height: 6700 }, 2048)).toBe(2);
    expect(eighths({ width: 9000, height: 6700 }, 160)).toBe(1);
    expect(eighths({ width: 9000, height: 6700 }, 12_000)).toBe(8);
  });
});
