import { downloadEmbedding, uploadImage } from "../../api/client";
import { ApiProblem } from "../../api/problem";
import { withRetry } from "../../api/retry";
import type { ModelSummary, UploadedImage } from "../../api/types";
import type { Size } from "../../geometry/frames";
import type { EmbeddingOrigin, Picture } from "../state";

/** Bytes of embeddings that stay in memory, so that pictures that were just open are there at once. */
const MOST_BYTES = 96 * 1024 * 1024;

/** Pixels to encode: a picture's file, or a part of one. */
export interface Encodable {
  readonly file: Blob;
  readonly name: string;
  /** As the browser reads it; the server must agree. */
  readonly size: Size | null;
  /** By the server, when it knew the picture before. */
  readonly imageId: string | null;
}

export interface EncodedImage {
  readonly imageId: string;
  readonly bytes: ArrayBuffer;
  readonly from: EmbeddingOrigin;
}

/** What a person is told while it lasts. */
export interface EncodeReport {
  readonly phase: (change: Partial<Omit<Picture, "epoch" | "since">>) => void;
  readonly waiting: (seconds: number, problem: ApiProblem) => void;
}

/** Embeddings that outlive the page. */
export interface EmbeddingShelf {
  save(key: string, bytes: ArrayBuffer): void;
  load(key: string): Promise<ArrayBuffer | null>;
}

/** From pixels to their embedding: out of memory, out of the browser's storage, or by the server. */
export class EmbeddingSource {
  /** Least recently used first. */
  readonly #cache = new Map<string, ArrayBuffer>();

  constructor(private readonly shelf: EmbeddingShelf) {}

  async get(image: Encodable, model: ModelSummary, signal: AbortSignal, report: EncodeReport): Promise<EncodedImage> {
    if (image.imageId !== null) {
      const known = await this.#known(keyOf(model, image.imageId));
      if (known !== null) return { imageId: image.imageId, ...known };
    }
    for (let again = false; ; again = true) {
      const uploaded = await this.upload(image, model, signal, report);
      const key = keyOf(model, uploaded.id);
      report.phase({ phase: "fetching", imageId: uploaded.id });
      const known = await this.#known(key);
      if (known !== null) return { imageId: uploaded.id, ...known };
      try {
        const bytes = await patiently(signal, report, () => downloadEmbedding(uploaded, model.revision, signal));
        this.#remember(key, bytes);
        this.shelf.save(key, bytes);
        return { imageId: uploaded.id, bytes, from: uploaded.cached ? "server" : "encoded" };
      } catch (error) {
        if (again || !(error instanceof ApiProblem) || !error.isForgotten) throw error;
      }
    }
  }

  /** Sends the pixels; the same picture is known to the server and costs it nothing. */
  async upload(
    { file, name, size }: Encodable,
    model: ModelSummary,
    signal: AbortSignal,
    report: EncodeReport,
  ): Promise<UploadedImage> {
    const image = await patiently(signal, report, () => {
      report.phase({ phase: "uploading", progress: 0 });
      return uploadImage(
        file,
        name,
        model.id,
        signal,
        (loaded, total) => report.phase({ progress: total === null ? 0 : loaded / total }),
        () => report.phase({ phase: "encoding", progress: 1 }),
      );
    });
    if (size !== null && (size.width !== image.width || size.height !== image.height)) {
      throw new ApiProblem(200, "size_differs", "", "", null);
    }
    return image;
  }

  async #known(key: string): Promise<Omit<EncodedImage, "imageId"> | null> {
    const held = this.#cache.get(key);
    const bytes = held ?? (await this.shelf.load(key));
    if (bytes === null) return null;
    this.#remember(key, bytes);
    return { bytes, from: held === undefined ? "storage" : "memory" };
  }

  #remember(key: string, bytes: ArrayBuffer): void {
    this.#cache.delete(key);
    this.#cache.set(key, bytes);
    let total = 0;
    for (const kept of this.#cache.values()) total += kept.byteLength;
    for (const [oldest, kept] of this.#cache) {
      if (total <= MOST_BYTES || oldest === key) break;
      total -= kept.byteLength;
      this.#cache.delete(oldest);
    }
  }
}

const keyOf = (model: ModelSummary, imageId: string): string => `${model.id}/${model.revision}/${imageId}`;

function patiently<T>(signal: AbortSignal, report: EncodeReport, attempt: () => Promise<T>): Promise<T> {
  const onWait = (seconds: number, problem: ApiProblem): void => {
    report.phase({ phase: "waiting", waitSeconds: Math.ceil(seconds) });
    report.waiting(seconds, problem);
  };
  return withRetry(attempt, { signal, onWait });
}
