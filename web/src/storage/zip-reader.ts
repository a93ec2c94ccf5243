import { Inflate } from "fflate";

import { crc32 } from "../formats/crc32";
import { LIMITS, WorkspaceFileError } from "./workspace-format";

/** A file in a ZIP, as the directory at the ZIP's end lists it. */
export interface ZipEntry {
  readonly name: string;
  readonly stored: boolean;
  readonly crc: number;
  /** Bytes in the ZIP. */
  readonly packed: number;
  /** Bytes unpacked. */
  readonly size: number;
  /** Where its own header begins. */
  readonly at: number;
}

const END = { signature: 0x06054b50, length: 22, longestComment: 0xffff };
const LISTED = { signature: 0x02014b50, length: 46 };
const LOCAL = { signature: 0x04034b50, length: 30 };
/** Deflate cannot do better than 1032 : 1. */
const BEST_RATIO = 1040;
const SLACK = 1024;
const LARGEST_DIRECTORY = 32 * 1024 * 1024;

const damaged = (message: string): WorkspaceFileError => new WorkspaceFileError("damaged", message);
const unsafe = (message: string): WorkspaceFileError => new WorkspaceFileError("unsafe", message);

/** A ZIP that is read where it lies: files that are stored in it are slices of it, and take no memory. */
export class ZipReader {
  private constructor(
    private readonly file: Blob,
    readonly entries: ReadonlyMap<string, ZipEntry>,
  ) {}

  /** Raises `WorkspaceFileError`: no ZIP, cut off, too large, or made to do harm. */
  static async open(file: Blob): Promise<ZipReader> {
    if (file.size > LIMITS.file) throw new WorkspaceFileError("too_large", `${file.size} bytes`);
    const tailAt = Math.max(0, file.size - END.length - END.longestComment);
    const tail = await viewOf(file, tailAt, file.size);
    const end = findEnd(tail);
    if (end === null) {
      const begins = file.size >= 4 && (await viewOf(file, 0, 4)).getUint32(0, true) === LOCAL.signature;
      throw begins ? damaged("The ZIP is cut off.") : new WorkspaceFileError("not_a_workspace", "This is no ZIP.");
    }
    const count = tail.getUint16(end + 10, true);
    const size = tail.getUint32(end + 12, true);
    const at = tail.getUint32(end + 16, true);
    if (count > LIMITS.entries || size > LARGEST_DIRECTORY)
      throw new WorkspaceFileError("too_large", `${count} entries`);
    if (at + size > tailAt + end) throw damaged("The ZIP's directory is cut off.");
    const entries = readDirectory(await viewOf(file, at, at + size), count);
    checkSafe(entries, at);
    return new ZipReader(file, new Map(entries.map((entry) => [entry.name, entry])));
  }

  /** The unpacked bytes in pieces. Raises when they are not what the directory says; what came before must not be used. */
  async *pieces(entry: ZipEntry): AsyncGenerator<Uint8Array> {
    let [crc, size] = [0, 0];
    for await (const piece of entry.stored ? this.#raw(entry) : this.#inflated(entry)) {
      size += piece.length;
      if (size > entry.size) throw damaged(`${entry.name} unpacks to more than it says.`);
      crc = crc32(piece, crc);
      yield piece;
    }
    if (size !== entry.size || crc !== entry.crc) throw damaged(`${entry.name} is damaged.`);
  }

  /** Raises `too_large` beyond `most` bytes. */
  async bytes(entry: ZipEntry, most: number): Promise<Uint8Array> {
    if (entry.size > most) throw new WorkspaceFileError("too_large", `${entry.name}: ${entry.size} bytes`);
    const pieces: Uint8Array[] = [];
    for await (const piece of this.pieces(entry)) pieces.push(piece);
    return joined(pieces, entry.size);
  }

  /** Reads all of it and keeps nothing. */
  async verify(entry: ZipEntry): Promise<void> {
    const pieces = this.pieces(entry);
    while ((await pieces.next()).done !== true);
  }

  /** The unpacked file, not checked again: a slice when it is stored. */
  async blob(entry: ZipEntry, type: string): Promise<Blob> {
    if (entry.stored) return (await this.#slice(entry)).slice(0, entry.packed, type);
    const parts: BlobPart[] = [];
    for await (const piece of this.pieces(entry)) parts.push(piece.slice());
    return new Blob(parts, { type });
  }

  async *#raw(entry: ZipEntry, step = 1024 * 1024): AsyncGenerator<Uint8Array> {
    const slice = await this.#slice(entry);
    for (let at = 0; at < slice.size; at += step) {
      yield new Uint8Array(await slice.slice(at, at + step).arrayBuffer());
    }
  }

  async *#inflated(entry: ZipEntry): AsyncGenerator<Uint8Array> {
    let ready: Uint8Array[] = [];
    const inflate = new Inflate((piece) => ready.push(piece));
    const push = (piece: Uint8Array, last: boolean): Uint8Array[] => {
      ready = [];
      try {
        inflate.push(piece, last);
      } catch (error) {
        throw damaged(`${entry.name} does not unpack: ${String(error)}`);
      }
      return ready;
    };
    for await (const piece of this.#raw(entry, 64 * 1024)) yield* push(piece, false);
    yield* push(new Uint8Array(), true);
  }

  async #slice({ at, packed, name }: ZipEntry): Promise<Blob> {
    const header = await viewOf(this.file, at, at + LOCAL.length);
    if (header.byteLength < LOCAL.length || header.getUint32(0, true) !== LOCAL.signature) {
      throw damaged(`${name} has no header.`);
    }
    const start = at + LOCAL.length + header.getUint16(26, true) + header.getUint16(28, true);
    return this.file.slice(start, start + packed);
  }
}

export function joined(pieces: readonly Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

async function viewOf(file: Blob, from: number, to: number): Promise<DataView> {
  return new DataView(await file.slice(from, to).arrayBuffer());
}

/** Where the end record begins; null when there is none whose comment ends the file. */
function findEnd(tail: DataView): number | null {
  for (let at = tail.byteLength - END.length; at >= 0; at--) {
    if (tail.getUint32(at, true) !== END.signature) continue;
    if (at + END.length + tail.getUint16(at + 20, true) === tail.byteLength) return at;
  }
  return null;
}

function readDirectory(view: DataView, count: number): ZipEntry[] {
  const entries: ZipEntry[] = [];
  const bytes = new Uint8Array(view.buffer);
  const decoder = new TextDecoder();
  let at = 0;
  for (let index = 0; index < count; index++) {
    if (at + LISTED.length > view.byteLength || view.getUint32(at, true) !== LISTED.signature) {
      throw damaged("The ZIP's directory is damaged.");
    }
    const [flags, method] = [view.getUint16(at + 8, true), view.getUint16(at + 10, true)];
    const nameEnd = at + LISTED.length + view.getUint16(at + 28, true);
    const name = decoder.decode(bytes.subarray(at + LISTED.length, nameEnd));
    if ((flags & 1) !== 0 || (method !== 0 && method !== 8)) throw damaged(`${name} is packed in an unknown way.`);
    entries.push({
      name,
      stored: method === 0,
      crc: view.getUint32(at + 16, true),
      packed: view.getUint32(at + 20, true),
      size: view.getUint32(at + 24, true),
      at: view.getUint32(at + 42, true),
    });
    at = nameEnd + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  }
  return entries;
}

function checkSafe(entries: readonly ZipEntry[], directoryAt: number): void {
  const names = new Set(entries.map((entry) => entry.name));
  if (names.size < entries.length) throw unsafe("Two entries have the same name.");
  let unpacked = 0;
  let free = 0;
  for (const { name, at, packed, size, stored } of entries.toSorted((a, b) => a.at - b.at)) {
    if (leadsElsewhere(name)) throw unsafe(`The path ${JSON.stringify(name.slice(0, 80))} leads elsewhere.`);
    if (at < free) throw unsafe(`${name} overlaps another entry.`);
    free = at + LOCAL.length + packed;
    if (free > directoryAt) throw damaged(`${name} is cut off.`);
    if (stored ? size !== packed : size > packed * BEST_RATIO + SLACK) throw unsafe(`${name} has an impossible size.`);
    unpacked += size;
  }
  if (unpacked > LIMITS.unpacked) throw new WorkspaceFileError("too_large", `${unpacked} bytes unpacked`);
}

function leadsElsewhere(name: string): boolean {
  return /^[/\\]|^[a-z]:|\\|\0/i.test(name) || name.split("/").includes("..");
}
