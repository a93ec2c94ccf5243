import { deflateSync } from "node:zlib";

/** A page of a TIFF to be written; `tags` may override, add or, by null, leave out entries of type SHORT or LONG. */
export interface PageSpec {
  readonly width: number;
  readonly height: number;
  /** Rows of interleaved samples. */
  readonly values: Uint8Array | Uint16Array | Float32Array;
  readonly photometric: number;
  readonly tags?: Readonly<Record<number, readonly number[] | null>>;
  readonly deflate?: boolean;
}

const SHORT = 3;
const LONG = 4;

/** Numbers in the byte order of the file. */
class Writer {
  constructor(readonly big: boolean) {}

  short(chunk: Buffer, value: number, at: number): void {
    if (this.big) chunk.writeUInt16BE(value, at);
    else chunk.writeUInt16LE(value, at);
  }

  long(chunk: Buffer, value: number, at: number): void {
    if (this.big) chunk.writeUInt32BE(value, at);
    else chunk.writeUInt32LE(value, at);
  }
}

/** A TIFF by the specification of 1992 (TIFF 6.0): one strip a page, plain or deflated (compression 8). */
export function tiffOf(pages: readonly PageSpec[], big = false): Buffer {
  const write = new Writer(big);
  const head = Buffer.from(big ? [0x4d, 0x4d, 0, 42, 0, 0, 0, 0] : [0x49, 0x49, 42, 0, 0, 0, 0, 0]);
  const chunks: Buffer[] = [head];
  let length = 8;
  let link = { chunk: head, at: 4 }; // where the next directory's offset is to be written
  const append = (chunk: Buffer): number => {
    const at = length + (length % 2);
    if (at > length) chunks.push(Buffer.alloc(1));
    chunks.push(chunk);
    length = at + chunk.length;
    return at;
  };
  for (const page of pages) {
    const samples = page.values.length / (page.width * page.height);
    const bits = 8 * page.values.BYTES_PER_ELEMENT;
    const raw = Buffer.from(page.values.buffer.slice(0));
    if (big && bits === 16) raw.swap16();
    if (big && bits === 32) raw.swap32();
    const strip = page.deflate === true ? deflateSync(raw) : raw;
    const tags: Record<number, readonly number[] | null> = {
      256: [page.width],
      257: [page.height],
      258: Array.from({ length: samples }, () => bits),
      259: [page.deflate === true ? 8 : 1],
      262: [page.photometric],
      273: [append(strip)],
      277: [samples],
      278: [page.height],
      279: [strip.length],
      339: Array.from({ length: samples }, () => (page.values instanceof Float32Array ? 3 : 1)),
      ...page.tags,
    };
    const entries = Object.entries(tags).flatMap(([tag, numbers]) =>
      numbers === null ? [] : [entry(write, Number(tag), numbers, append)],
    );
    const directory = Buffer.concat([Buffer.alloc(2), ...entries, Buffer.alloc(4)]);
    write.short(directory, entries.length, 0);
    write.long(link.chunk, append(directory), link.at);
    link = { chunk: directory, at: directory.length - 4 };
  }
  return Buffer.concat(chunks);
}

function entry(write: Writer, tag: number, numbers: readonly number[], append: (chunk: Buffer) => number): Buffer {
  const type = numbers.some((number) => number > 0xffff) || [273, 279].includes(tag) ? LONG : SHORT;
  const size = type === LONG ? 4 : 2;
  const data = Buffer.alloc(Math.max(4, size * numbers.length));
  numbers.forEach((number, i) => (type === LONG ? write.long(data, number, 4 * i) : write.short(data, number, 2 * i)));
  const head = Buffer.alloc(12);
  write.short(head, tag, 0);
  write.short(head, type, 2);
  write.long(head, numbers.length, 4);
  if (data.length > 4) write.long(head, append(data), 8);
  else data.copy(head, 8);
  return head;
}
