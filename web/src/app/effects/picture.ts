import { download, isAlive, uploadImage } from "../../api/client";
import { ApiProblem } from "../../api/problem";
import { pause, withRetry } from "../../api/retry";
import type { UploadedImage } from "../../api/types";
import type { Resources } from "../mask-library";
import type { Picture } from "../state";
import type { Store } from "../store";
import type { EngineKeeper } from "./engine";
import { isAbort, report } from "./notices";

const ALIVE_EVERY_MS = 3000;

/** From a file to a picture that can be clicked: shown at once, uploaded, encoded, its embedding given to the worker. */
export class PictureOpener {
  #abort = new AbortController();

  constructor(
    private readonly store: Store,
    private readonly resources: Resources,
    private readonly engine: EngineKeeper,
    private readonly engineStarted: () => Promise<void>,
  ) {}

  async open(file: File): Promise<void> {
    this.#abort.abort();
    this.#abort = new AbortController();
    const { signal } = this.#abort;
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
      for (const code of ["unreachable", "queue_full"]) this.store.dispatch({ type: "notice/clear", code });
    } catch (error) {
      if (!signal.aborted) this.#fail(epoch, error);
    }
  }

  async #embeddingFor(epoch: number, signal: AbortSignal): Promise<ArrayBuffer> {
    for (let again = false; ; again = true) {
      const image = await this.upload(epoch);
      this.#update(epoch, { phase: "fetching", imageId: image.id });
      try {
        return await this.#patiently(epoch, () => download(image.embedding_url, signal));
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
        this.store.dispatch({ type: "notice/add", notice: { code, detail, tone: "warning", action: null } });
      },
    });
  }

  #fail(epoch: number, error: unknown): void {
    if (isAbort(error) || this.store.get().picture?.epoch !== epoch) return;
    this.#update(epoch, { phase: "failed" });
    report(this.store, error);
    if (error instanceof ApiProblem && error.isTransient) void this.waitForServer(epoch);
  }

  #update(epoch: number, change: Partial<Omit<Picture, "epoch">>): void {
    this.store.dispatch({ type: "picture/update", epoch, change });
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
    return await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    throw new ApiProblem(415, file.size === 0 ? "image_empty" : "not_a_picture", "", "", null);
  }
}
