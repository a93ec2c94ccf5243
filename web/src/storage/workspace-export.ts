import { Zip, ZipDeflate, ZipPassThrough } from "fflate";

import { pack } from "./pack";
import type { PictureRecord, WorkspaceIndex } from "./port";
import type { ListedPicture } from "./workspace-format";
import {
  documentEntry,
  LIMITS,
  MANIFEST,
  pictureEntry,
  resultsEntry,
  WorkspaceFileError,
  writeManifest,
} from "./workspace-format";

interface DocumentSource {
  /** UTF-8, of no more than `most` bytes if that can be. */
  readonly json: readonly Uint8Array<ArrayBuffer>[];
  /** So much of it was left out for that. */
  readonly cut: number;
  /** That have results. */
  readonly steps: readonly number[];
}

/** Where the parts of a workspace are had, one at a time. */
export interface WorkspaceSource {
  readonly index: WorkspaceIndex;
  loadFile(picture: number): Promise<Blob | null>;
  /** null: nothing was done to it. */
  documentOf(picture: number, most: number): DocumentSource | null;
  /** As StoredResult's payload; null: there is none. */
  loadPayload(picture: number, step: number): Promise<unknown>;
}

export interface FileOptions {
  readonly signal?: AbortSignal;
  /** 0..1 */
  readonly progress?: (part: number) => void;
  /** Told of a picture whose file is not there: it cannot be in a workspace file. */
  readonly missing?: (name: string) => void;
  /** Told of a picture whose document was too large to be there whole. */
  readonly shortened?: (name: string) => void;
}

const LEVEL = 6;
const PIECE = 1024 * 1024;

/**
 * The whole workspace as one file (workspace-format.ts), written as it is read: one piece of a picture is in memory at a
 * time. Pictures whose file is missing are left out. The stream ends with a `WorkspaceFileError` (`too_large`), a
 * `StorageError`, or the signal's reason.
 */
export function writeWorkspace(
  source: WorkspaceSource,
  options: FileOptions = {},
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const pieces = zipPieces(source, options);
  return new ReadableStream(
    {
      async pull(controller) {
        const { done, value } = await pieces.next();
        if (done === true) controller.close();
        else controller.enqueue(value);
      },
      async cancel() {
        await pieces.return(undefined);
      },
    },
    { highWaterMark: 1 },
  );
}

async function* zipPieces(
  source: WorkspaceSource,
  { signal, progress, missing, shortened }: FileOptions,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
  const { pictures, extra } = source.index;
  if (pictures.length > LIMITS.pictures) throw new WorkspaceFileError("too_large", `${pictures.length} pictures`);
  const zip = new ZipWriter();
  const listed: ListedPicture[] = [];
  for (const [done, record] of pictures.entries()) {
    progress?.(done / pictures.length);
    const file = await source.loadFile(record.id);
    if (file === null) {
      missing?.(record.name);
      continue;
    }
    const entry = pictureEntry(record.id, record.name);
    listed.push({ record, file: entry, type: file.type });
    for await (const piece of pictureOf(zip, source, record, entry, file, shortened)) {
      signal?.throwIfAborted();
      yield piece;
    }
  }
  yield* zip.entry(MANIFEST, each([new TextEncoder().encode(writeManifest({ pictures: listed, extra }))]));
  yield* zip.end();
  progress?.(1);
}

async function* pictureOf(
  zip: ZipWriter,
  source: WorkspaceSource,
  { id, name }: PictureRecord,
  entry: string,
  file: Blob,
  shortened: FileOptions["shortened"],
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  yield* zip.entry(entry, piecesOf(file), "stored");
  const done = source.documentOf(id, LIMITS.document);
  if (done === null) return;
  const size = done.json.reduce((sum, piece) => sum + piece.length, 0);
  if (size > LIMITS.document) throw new WorkspaceFileError("too_large", `${name}: ${size} bytes`); // it would not be read
  if (done.cut > 0) shortened?.(name);
  yield* zip.entry(documentEntry(id), each(done.json));
  if (done.steps.length > 0) yield* zip.entry(resultsEntry(id), resultsOf(source, id, done.steps));
}

async function* piecesOf(file: Blob): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for (let at = 0; at < file.size; at += PIECE) {
    yield new Uint8Array(await file.slice(at, at + PIECE).arrayBuffer());
  }
}

async function* resultsOf(
  source: WorkspaceSource,
  picture: number,
  steps: readonly number[],
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for (const step of steps) {
    const payload = await source.loadPayload(picture, step);
    if (payload === null) continue;
    const packed = pack({ step, payload });
    const frame = new Uint8Array(4 + packed.length);
    new DataView(frame.buffer).setUint32(0, packed.length, true);
    frame.set(packed, 4);
    yield frame;
  }
}

// eslint-disable-next-line @typescript-eslint/require-await
async function* each(pieces: readonly Uint8Array<ArrayBuffer>[]): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  yield* pieces;
}

/** fflate's streaming ZIP as a generator, held to the limits of what `readWorkspace` takes. */
class ZipWriter {
  #ready: Uint8Array<ArrayBuffer>[] = [];
  #written = 0;
  #unpacked = 0;
  readonly #zip = new Zip((error, piece) => {
    if (error !== null) throw error;
    this.#ready.push(piece);
    this.#written += piece.length;
  });

  async *entry(
    name: string,
    pieces: AsyncIterable<Uint8Array<ArrayBuffer>>,
    how: "stored" | "deflated" = "deflated",
  ): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    const entry = how === "stored" ? new ZipPassThrough(name) : new ZipDeflate(name, { level: LEVEL });
    this.#zip.add(entry);
    for await (const piece of pieces) {
      this.#unpacked += piece.length;
      entry.push(piece);
      yield* this.#take();
    }
    entry.push(new Uint8Array(), true);
    yield* this.#take();
  }

  *end(): Generator<Uint8Array<ArrayBuffer>> {
    this.#zip.end();
    yield* this.#take();
  }

  #take(): Uint8Array<ArrayBuffer>[] {
    if (this.#written > LIMITS.file || this.#unpacked > LIMITS.unpacked) {
      throw new WorkspaceFileError("too_large", `${this.#written} bytes so far`);
    }
    const ready = this.#ready;
    this.#ready = [];
    return ready;
  }
}
