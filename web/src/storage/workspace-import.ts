import { PackError, unpack } from "./pack";
import type { PictureRecord, StoredResult, WorkspaceStore } from "./port";
import { isCount, isObject } from "./shapes";
import type { FileOptions } from "./workspace-export";
import type { ListedPicture, SkippedPicture } from "./workspace-format";
import {
  documentEntry,
  LARGEST_ID,
  LIMITS,
  MANIFEST,
  readManifest,
  resultsEntry,
  WorkspaceFileError,
} from "./workspace-format";
import type { ZipEntry } from "./zip-reader";
import { joined, ZipReader } from "./zip-reader";

/** The part of a store that is written. */
export type WorkspaceTarget = Pick<WorkspaceStore, "saveFile" | "save" | "removePicture">;

/** The id here of what has this id in the file: of a picture, a step, an object, a point, all of which share one count. */
export type MapId = (id: number) => number;

/** What only the caller knows of the values that the store keeps, and of its ids. */
export interface Reader {
  /** The document with every id in it mapped. Raises for what is no document; its picture is skipped. */
  document(document: unknown, mapId: MapId): unknown;
  /** A result's payload with every id in it mapped; the same. */
  payload(payload: unknown, mapId: MapId): unknown;
  /** Sets this many ids aside that nothing else will get: the first of them. */
  reserve(count: number): number;
}

export interface Imported {
  /** In the file's order, with their ids as they are here. */
  readonly pictures: readonly PictureRecord[];
  /** By picture. */
  readonly documents: ReadonlyMap<number, unknown>;
  readonly extra: unknown;
  readonly skipped: readonly SkippedPicture[];
}

const BATCH_BYTES = 8 * 1024 * 1024;

/**
 * Puts a workspace file's pictures, documents and results into the store, under ids of their own. Everything in it is read
 * and checked before anything is written; the caller makes it count by the index. Raises `WorkspaceFileError`,
 * `StorageError` or the signal's reason, and leaves the store as it was.
 */
export async function readWorkspace(
  file: Blob,
  store: WorkspaceTarget,
  reader: Reader,
  { signal, progress }: FileOptions = {},
): Promise<Imported> {
  const zip = await ZipReader.open(file);
  const { manifest, skipped } = readManifest(await textOf(zip));
  const source = new FileContents(zip, reader);
  const accepted: ListedPicture[] = [];
  const step = (done: number): void => {
    signal?.throwIfAborted();
    progress?.(done / (2 * manifest.pictures.length));
  };
  for (const [done, picture] of manifest.pictures.entries()) {
    step(done);
    const reason = await source.check(picture);
    if (reason === null) accepted.push(picture);
    else skipped.push({ name: picture.record.name, reason });
  }
  source.settle();
  const pictures: PictureRecord[] = [];
  const documents = new Map<number, unknown>();
  try {
    for (const [done, picture] of accepted.entries()) {
      step(manifest.pictures.length + done);
      const record = source.recordOf(picture);
      pictures.push(record);
      const document = await source.save(picture, store);
      if (document !== null) documents.set(record.id, document);
    }
  } catch (error) {
    for (const { id } of pictures) await store.removePicture(id).catch(() => undefined);
    throw error;
  }
  progress?.(1);
  return { pictures, documents, extra: manifest.extra, skipped };
}

/** Whether a file is a workspace file, as far as its directory says. */
export async function isWorkspaceFile(file: Blob): Promise<boolean> {
  try {
    return (await ZipReader.open(file)).entries.has(MANIFEST);
  } catch {
    return false;
  }
}

async function textOf(zip: ZipReader): Promise<string> {
  const entry = zip.entries.get(MANIFEST);
  if (entry === undefined) throw new WorkspaceFileError("not_a_workspace", "The ZIP has no workspace.json.");
  return new TextDecoder().decode(await zip.bytes(entry, LIMITS.manifest));
}

/** A workspace file's pictures: first checked, with the ids of the file, then, settled, with their ids as they will be here. */
class FileContents {
  #largest = 0;
  #first = 0;

  constructor(
    private readonly zip: ZipReader,
    private readonly reader: Reader,
  ) {}

  readonly mapId = (id: number): number => {
    if (!isCount(id) || id > LARGEST_ID) throw new TypeError(`${id} is no id.`);
    this.#largest = Math.max(this.#largest, id);
    return this.#first + id;
  };

  settle(): void {
    this.#first = this.reader.reserve(this.#largest + 1);
  }

  /** Reads all of a picture: null, or why it is skipped. Raises when the file is damaged. */
  async check({ record, file }: ListedPicture): Promise<string | null> {
    const entry = this.zip.entries.get(file);
    if (entry === undefined) return "file missing";
    await this.zip.verify(entry);
    try {
      this.mapId(record.id);
      await this.#document(record.id);
      for await (const result of this.#results(record.id)) this.mapId(result.step);
    } catch (error) {
      if (error instanceof WorkspaceFileError) throw error;
      return `document: ${String(error)}`;
    }
    return null;
  }

  recordOf({ record }: ListedPicture): PictureRecord {
    return { ...record, id: this.mapId(record.id) };
  }

  async save({ record, file, type }: ListedPicture, store: WorkspaceTarget): Promise<unknown> {
    const entry = this.zip.entries.get(file);
    if (entry === undefined) return null;
    const id = this.mapId(record.id);
    await store.saveFile(id, await this.zip.blob(entry, type));
    let batch: StoredResult[] = [];
    let bytes = 0;
    for await (const { length, ...result } of this.#results(record.id)) {
      batch.push(result);
      bytes += length;
      if (bytes < BATCH_BYTES) continue;
      await store.save({ results: batch });
      [batch, bytes] = [[], 0];
    }
    const document = await this.#document(record.id);
    await store.save({ results: batch, documents: document === null ? [] : [{ picture: id, document }] });
    return document;
  }

  /** null when there is none. */
  async #document(id: number): Promise<unknown> {
    const entry = this.zip.entries.get(documentEntry(id));
    if (entry === undefined) return null;
    const text = new TextDecoder().decode(await this.zip.bytes(entry, LIMITS.document));
    return this.reader.document(JSON.parse(text), this.mapId);
  }

  async *#results(id: number): AsyncGenerator<StoredResult & { readonly length: number }> {
    const entry = this.zip.entries.get(resultsEntry(id));
    if (entry === undefined) return;
    for await (const frame of frames(this.zip, entry)) {
      const read = unpacked(frame);
      if (!isObject(read) || !isCount(read.step) || read.payload === undefined)
        throw new WorkspaceFileError("damaged", `A result in ${entry.name} is wrong.`);
      const payload = this.reader.payload(read.payload, this.mapId);
      yield { step: this.mapId(read.step), picture: this.mapId(id), payload, length: frame.length };
    }
  }
}

function unpacked(bytes: Uint8Array): unknown {
  try {
    return unpack(bytes);
  } catch (error) {
    if (error instanceof PackError) throw new WorkspaceFileError("damaged", error.message);
    throw error;
  }
}

/** The packed results of an entry, one at a time. */
async function* frames(zip: ZipReader, entry: ZipEntry): AsyncGenerator<Uint8Array> {
  let held: Uint8Array[] = [];
  let length = 0;
  /** The first `count` bytes of what is held. */
  const take = (count: number): Uint8Array => {
    const [first, ...more] = held;
    const whole = first !== undefined && more.length === 0 ? first : joined(held, length);
    held = [whole.subarray(count)];
    length -= count;
    return whole.subarray(0, count);
  };
  let wanted: number | null = null;
  for await (const piece of zip.pieces(entry)) {
    held.push(piece);
    length += piece.length;
    for (;;) {
      if (wanted === null && length >= 4) {
        const head = take(4);
        wanted = new DataView(head.buffer, head.byteOffset, 4).getUint32(0, true);
        if (wanted > LIMITS.result) throw new WorkspaceFileError("too_large", `A result takes ${wanted} bytes.`);
      }
      if (wanted === null || length < wanted) break;
      yield take(wanted);
      wanted = null;
    }
  }
  if (wanted !== null || length > 0) throw new WorkspaceFileError("damaged", `${entry.name} is cut off.`);
}
