import type { Size } from "../geometry/frames";
import { crc32 } from "./crc32";

/** PNGs of one channel, palettes included, which canvases do not write; zlib is the browser's CompressionStream. */
const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);

/** What a PNG's first chunk says, before anything is unpacked; null for what is shorter. */
export function pngSizeOf(bytes: Uint8Array): Size | null {
  if (bytes.length < 24) return null;
  const header = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { width: header.getUint32(16), height: header.getUint32(20) };
}

export const isSize = (one: Size | null, { width, height }: Size): boolean =>
  one?.width === width && one.height === height;

function chunk(type: string, body: Uint8Array): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(12 + body.length);
  const view = new DataView(out.buffer);
  view.setUint32(0, body.length);
  out.set(new TextEncoder().encode(type), 4);
  out.set(body, 8);
  view.setUint32(8 + body.length, crc32(out.subarray(4, 8 + body.length)));
  return out;
}

async function deflate(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Red, green and blue of each index. */
export type Palette = readonly (readonly [number, number, number])[];

/**
 * One channel of 8 bits, or of 16 where `values` has them: grey, or, with a palette, indices into it.
 * `values` is row-major.
 */
export async function encodePng(
  values: Uint8Array | Uint16Array,
  width: number,
  height: number,
  palette?: Palette,
): Promise<Uint8Array<ArrayBuffer>> {
  const wide = values instanceof Uint16Array;
  const bytes = wide ? 2 : 1;
  const rows = new Uint8Array((width * bytes + 1) * height); // each row begins with its filter: 0, none
  const view = new DataView(rows.buffer);
  for (let y = 0; y < height; y++) {
    const start = y * (width * bytes + 1) + 1;
    if (!wide) rows.set(values.subarray(y * width, (y + 1) * width), start);
    else for (let x = 0; x < width; x++) view.setUint16(start + x * 2, values[y * width + x] ?? 0);
  }
  const header = new Uint8Array(13);
  const fields = new DataView(header.buffer);
  fields.setUint32(0, width);
  fields.setUint32(4, height);
  header[8] = bytes * 8;
  header[9] = palette === undefined ? 0 : 3;
  const colours = palette === undefined ? [] : [chunk("PLTE", Uint8Array.from(palette.flat()))];
  const data = chunk("IDAT", await deflate(rows));
  return joinedBytes([SIGNATURE, chunk("IHDR", header), ...colours, data, chunk("IEND", new Uint8Array())]);
}

function joinedBytes(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** A mask of 0 and 1, row-major, as black and white. */
export function maskPng(mask: Uint8Array, width: number, height: number): Promise<Uint8Array<ArrayBuffer>> {
  return encodePng(
    mask.map((value) => (value === 0 ? 0 : 255)),
    width,
    height,
  );
}
