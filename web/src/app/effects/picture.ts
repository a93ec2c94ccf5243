import { download, downloadEmbedding, isAlive, uploadImage } from "../../api/client";
import { ApiProblem, isAbort } from "../../api/problem";
import { pause, withRetry } from "../../api/retry";
import type { UploadedImage } from "../../api/types";
import type { Resources } from "../mask-library";
import type { Picture } from "../state";
import type { Store } from "../store";
import type { EngineKeeper } from "./engine";
import { report } from "./notices";

const ALIVE_EVERY_MS = 3000;

/** From a file to a picture that can be clicked: shown at once, uploaded, encoded, its embedding given to the worker. */
export class PictureOpener {
  #abort = new AbortController();
  /** Codes of the warnings that were shown while the server was awaited. */
  readonly #warned = new Set<string>();

  constructor(
    private readonly store: Store,
    private readonly resources: Resources,
    private readonly engine: EngineKeeper,
    private readonly engineStarted: () => Promise<void>,
  ) {}

  /** Aborted when another picture is opened. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Of samples and files asked for in a hurry the last one is opened, however long the others take to arrive. */
  async openSample(file: string): Promise<void> {
    const signal = this.#begin();
    try {
      const bytes = await download(`/samples/${file}`, signal);
      signal.throwIfAborted();
      await this.open(new File([bytes], file, { type: "image/jpeg" }));
    } catch (error) {
      report(this.store, error, null);
    }
  }

  async open(file: File): Promise<void> {
    const signal = this.#begin();
    this.#forgetPixels();
    this.store.dispatch({ type: "picture/open", name: file.name });
    const epoch = this.store.get().picture?.epoch ?? 0;
    this.resources.file = file;
    try {
      const bitmap = await decode(file);
      if (signal.aborted) {
        bitmap.close();
        return;
      }
      this.resources.bitmap = bitmap;
      this.#update(epoch, { size: { width: bitmap.width, height: bitmap.height } });
    } catch (error) {
      this.#fail(epoch, error);
      return;
    }
    await this.prepare(epoch);
  }

  /** Everything after the pixels; called again to recover, or when the server has forgotten the picture. */
  async prepare(epoch: number): Promise<void> {
    const { signal } = this.#abort;
    try {
      const embedding = await this.#embeddingFor(epoch, signal);
      if (this.store.get().engine.phase !== "ready") await this.engineStarted();
      await this.engine.setPicture(epoch, embedding);
      this.#update(epoch, { phase: "ready" });
      this.#clearWarnings();
    } catch (error) {
      if (!signal.aborted) this.#fail(epoch, error);
    }
  }

  async #embeddingFor(epoch: number, signal: AbortSignal): Promise<ArrayBuffer> {
    for (let again = false; ; again = true) {
      const image = await this.upload(epoch);
      this.#update(epoch, { phase: "fetching", imageId: image.id });
      try {
        return await this.#patiently(epoch, () =>
          downloadEmbedding(image, this.engine.model?.revision ?? image.revision, signal),
        );
      } catch (error) {
        if (again || !(error instanceof ApiProblem) || !error.isForgotten) throw error;
      }
    }
  }

  /** Sends the open picture; the same picture is known to the server and costs it nothing. */
  async upload(epoch: number): Promise<UploadedImage> {
    const { signal } = this.#abort;
    const { file, bitmap } = this.resources;
    if (file === null) throw new Error("No picture is open.");
    const image = await this.#patiently(epoch, () => {
      this.#update(epoch, { phase: "uploading", progress: 0 });
      return uploadImage(
        file,
        file.name,
        signal,
        (loaded, total) => this.#update(epoch, { progress: total === null ? 0 : loaded / total }),
        () => this.#update(epoch, { phase: "encoding", progress: 1 }),
      );
    });
    if (bitmap !== null && (bitmap.width !== image.width || bitmap.height !== image.height)) {
      throw new ApiProblem(200, "size_differs", "", "", null);
    }
    return image;
  }

  /** The server forgot the open picture, whose embedding the page still has: whatever comes of it, clicks go on. */
  async sendAgain(epoch: number): Promise<void> {
    try {
      await this.upload(epoch);
      this.#clearWarnings();
    } finally {
      this.#update(epoch, { phase: "ready" });
    }
  }

  /** While the server is away, looks for it now and then, and goes on when it is back. */
  async waitForServer(epoch: number): Promise<void> {
    const { signal } = this.#abort;
    try {
      do await pause(ALIVE_EVERY_MS, signal);
      while (!(await isAlive(signal)));
    } catch {
      return;
    }
    if (this.store.get().picture?.epoch === epoch && this.store.get().picture?.phase === "failed") {
      this.store.dispatch({ type: "request/recover", action: "retry" });
    }
  }

  #patiently<T>(epoch: number, attempt: () => Promise<T>): Promise<T> {
    return withRetry(attempt, {
      signal: this.#abort.signal,
      onWait: (seconds, problem) => {
        this.#update(epoch, { phase: "waiting", waitSeconds: Math.ceil(seconds) });
        const { code, detail } = problem;
        this.#warned.add(code);
        this.store.dispatch({ type: "notice/add", notice: { code, detail, tone: "warning", action: null } });
      },
    });
  }

  #fail(epoch: number, error: unknown): void {
    if (isAbort(error) || this.store.get().picture?.epoch !== epoch) return;
    this.#update(epoch, { phase: "failed" });
    report(this.store, error);
    if (!(error instanceof ApiProblem) || !error.isTransient) return;
    this.#warned.add(error.code);
    void this.waitForServer(epoch);
  }

  #begin(): AbortSignal {
    this.#abort.abort();
    this.#abort = new AbortController();
    return this.#abort.signal;
  }

  #update(epoch: number, change: Partial<Omit<Picture, "epoch">>): void {
    this.store.dispatch({ type: "picture/update", epoch, change });
  }

  #clearWarnings(): void {
    for (const code of this.#warned) this.store.dispatch({ type: "notice/clear", code });
    this.#warned.clear();
  }

  #forgetPixels(): void {
    this.resources.bitmap?.close();
    this.resources.bitmap = null;
    this.resources.library.clear();
  }
}

/** Upright pixels: the orientation of EXIF is applied, as the server does. */
async function decode(file: File): Promise<ImageBitmap> {
  try {
    return await createImageBitmap(file, { imageOrientation: "from-image", premultiplyAlpha: "premultiply" });
  } catch {
    throw new ApiProblem(415, file.size === 0 ? "image_empty" : "not_a_picture", "", "", null);
  }
}
