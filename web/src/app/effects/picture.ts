import { download, downloadEmbedding, isAlive, uploadImage } from "../../api/client";
import { ApiProblem, isAbort } from "../../api/problem";
import { pause, withRetry } from "../../api/retry";
import type { ModelSummary, UploadedImage } from "../../api/types";
import type { Resources } from "../mask-library";
import { chosenEntry } from "../models";
import type { Picture } from "../state";
import type { Store } from "../store";
import type { EngineKeeper } from "./engine";
import type { ModelKeeper } from "./models";
import { report } from "./notices";

const ALIVE_EVERY_MS = 3000;
/** How often a slow encode looks whether the server is still loading the model. */
const LOOK_EVERY_MS = 1500;

/** One way from a file to its embedding; aborted when another picture, model or attempt takes its place. */
interface Attempt {
  readonly epoch: number;
  readonly signal: AbortSignal;
}

/** From a file to a picture that can be clicked: shown at once, uploaded, encoded, its embedding given to the worker. */
export class PictureOpener {
  #abort = new AbortController();
  /** Codes of the warnings that were shown while the server was awaited. */
  readonly #warned = new Set<string>();

  constructor(
    private readonly store: Store,
    private readonly resources: Resources,
    private readonly engine: EngineKeeper,
    private readonly models: ModelKeeper,
  ) {}

  /** Aborted when another picture is opened, or this one encoded anew. */
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
    this.store.dispatch({ type: "picture/open", name: file.name, bytes: file.size });
    const attempt = { epoch: this.store.get().picture?.epoch ?? 0, signal };
    this.resources.file = file;
    try {
      const bitmap = await decode(file);
      if (signal.aborted) {
        bitmap.close();
        return;
      }
      this.resources.bitmap = bitmap;
      this.#update(attempt, { size: { width: bitmap.width, height: bitmap.height } });
    } catch (error) {
      this.#fail(attempt, error);
      return;
    }
    await this.#prepare(attempt);
  }

  /** The open picture by the model that is chosen now; one whose pixels are still read goes that way by itself. */
  async encode(): Promise<void> {
    const { picture } = this.store.get();
    if (picture === null || this.resources.bitmap === null) return;
    await this.#prepare({ epoch: picture.epoch, signal: this.#begin() });
  }

  /** Gives the encoding up; the picture and its clicks stay. */
  stop(): void {
    const { picture } = this.store.get();
    if (picture === null) return;
    this.#update({ epoch: picture.epoch, signal: this.#begin() }, { phase: "unencoded" });
    this.#clearWarnings();
  }

  /** Everything after the pixels. */
  async #prepare(attempt: Attempt): Promise<void> {
    try {
      const model = await this.models.chosen();
      const embedding = await this.#embeddingFor(attempt, model);
      await this.models.start();
      attempt.signal.throwIfAborted();
      await this.engine.setPicture(attempt.epoch, embedding);
      if (attempt.signal.aborted) return;
      this.#update(attempt, { phase: "ready" });
      this.#clearWarnings();
    } catch (error) {
      this.#fail(attempt, error);
    }
  }

  async #embeddingFor(attempt: Attempt, model: ModelSummary): Promise<ArrayBuffer> {
    for (let again = false; ; again = true) {
      const image = await this.#upload(attempt, model);
      this.#update(attempt, { phase: "fetching", imageId: image.id });
      try {
        return await this.#patiently(attempt, () => downloadEmbedding(image, model.revision, attempt.signal));
      } catch (error) {
        if (again || !(error instanceof ApiProblem) || !error.isForgotten) throw error;
      }
    }
  }

  /** Sends the open picture; the same picture is known to the server and costs it nothing. */
  async #upload(attempt: Attempt, model: ModelSummary): Promise<UploadedImage> {
    const { file, bitmap } = this.resources;
    if (file === null) throw new Error("No picture is open.");
    const image = await this.#patiently(attempt, () => {
      this.#update(attempt, { phase: "uploading", progress: 0 });
      return uploadImage(
        file,
        file.name,
        model.id,
        attempt.signal,
        (loaded, total) => this.#update(attempt, { progress: total === null ? 0 : loaded / total }),
        () => {
          this.#update(attempt, { phase: "encoding", progress: 1 });
          void this.#watchModel(attempt);
        },
      );
    });
    if (bitmap !== null && (bitmap.width !== image.width || bitmap.height !== image.height)) {
      throw new ApiProblem(200, "size_differs", "", "", null);
    }
    return image;
  }

  /** The server forgot the open picture, whose embedding the page still has: whatever comes of it, clicks go on. */
  async sendAgain(epoch: number): Promise<void> {
    const attempt = { epoch, signal: this.#abort.signal };
    try {
      await this.#upload(attempt, await this.models.chosen());
      this.#clearWarnings();
    } finally {
      this.#update(attempt, { phase: "ready" });
    }
  }

  /** A model that was not asked for before is loaded first, and that is not the encode's time. */
  async #watchModel(attempt: Attempt): Promise<void> {
    try {
      for (;;) {
        await pause(LOOK_EVERY_MS, attempt.signal);
        if (!this.#isEncoding()) return;
        await this.models.refresh();
        if (!this.#isEncoding()) return;
        const loading = chosenEntry(this.store.get().models)?.state === "loading";
        this.#update(attempt, { phase: loading ? "loading" : "encoding" });
      }
    } catch {
      // The attempt was given up.
    }
  }

  /** While the server is away, looks for it now and then, and goes on when it is back. */
  async #waitForServer({ epoch, signal }: Attempt): Promise<void> {
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

  #isEncoding(): boolean {
    const phase = this.store.get().picture?.phase;
    return phase === "encoding" || phase === "loading";
  }

  #patiently<T>(attempted: Attempt, attempt: () => Promise<T>): Promise<T> {
    return withRetry(attempt, {
      signal: attempted.signal,
      onWait: (seconds, problem) => {
        this.#update(attempted, { phase: "waiting", waitSeconds: Math.ceil(seconds) });
        const { code, detail } = problem;
        this.#warned.add(code);
        this.store.dispatch({ type: "notice/add", notice: { code, detail, tone: "warning", action: null } });
      },
    });
  }

  #fail(attempt: Attempt, error: unknown): void {
    if (isAbort(error) || attempt.signal.aborted) return;
    this.#update(attempt, { phase: "failed" });
    report(this.store, error);
    if (!(error instanceof ApiProblem) || !error.isTransient) return;
    this.#warned.add(error.code);
    void this.#waitForServer(attempt);
  }

  #begin(): AbortSignal {
    this.#abort.abort();
    this.#abort = new AbortController();
    return this.#abort.signal;
  }

  /** Nothing late of an attempt that was given up. */
  #update({ epoch, signal }: Attempt, change: Partial<Omit<Picture, "epoch" | "since">>): void {
    if (signal.aborted) return;
    const begins = change.phase !== undefined && change.phase !== this.store.get().picture?.phase;
    this.store.dispatch({
      type: "picture/update",
      epoch,
      change: begins ? { ...change, since: performance.now() } : change,
    });
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
