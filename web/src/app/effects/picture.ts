import { download, isAlive } from "../../api/client";
import { ApiProblem, isAbort } from "../../api/problem";
import { pause } from "../../api/retry";
import type { ModelSummary } from "../../api/types";
import type { Rectangle } from "../../geometry/mask";
import { cropOf, decodeShown, NoPicture } from "../../pictures/pixels";
import type { Resources } from "../mask-library";
import { chosenEntry } from "../models";
import type { Picture } from "../state";
import type { Store } from "../store";
import type { EmbeddingSource, Encodable, EncodeReport } from "./embedding-source";
import type { EngineKeeper } from "./engine";
import { entryChange } from "./entry-phase";
import type { FileShelf } from "./files";
import type { ModelKeeper } from "./models";
import { report } from "./notices";

const ALIVE_EVERY_MS = 3000;
/** How often a slow encode looks whether the server is still loading the model. */
const LOOK_EVERY_MS = 1500;

/** One way from a picture's file to its embedding; aborted when another picture, model or attempt takes its place. */
interface Attempt {
  readonly epoch: number;
  readonly signal: AbortSignal;
}

/** From a file to a picture that can be clicked: shown at once, uploaded, encoded, its embedding given to the worker. */
export class PictureOpener {
  #abort = new AbortController();
  /** Codes of the warnings that were shown while the server was awaited. */
  readonly #warned = new Set<string>();
  /** Called when the open picture can be clicked. */
  onReady: (model: ModelSummary) => void = () => undefined;

  constructor(
    private readonly store: Store,
    private readonly resources: Resources,
    private readonly engine: EngineKeeper,
    private readonly models: ModelKeeper,
    private readonly files: FileShelf,
    private readonly embeddings: EmbeddingSource,
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
      await this.open([new File([bytes], file, { type: "image/jpeg" })]);
    } catch (error) {
      report(this.store, error, null);
    }
  }

  /** Adds pictures to the workspace and, if they are to be shown, opens the first of them. */
  async open(files: readonly File[], shown = true): Promise<void> {
    if (files.length === 0) return;
    const first = this.store.get().nextId;
    files.forEach((file, i) => this.files.put(first + i, file)); // whoever hears of a picture finds its file
    this.store.dispatch({ type: "workspace/add", pictures: files.map(({ name, size }) => ({ name, bytes: size })) });
    if (shown) await this.show(first);
  }

  /** Opens a picture of the workspace. */
  async show(id: number): Promise<void> {
    if (this.store.get().picture?.epoch === id) return;
    const signal = this.#begin();
    this.engine.pause();
    this.#forgetPixels();
    this.#clearWarnings();
    this.store.dispatch({ type: "workspace/show", id });
    if (this.store.get().picture?.epoch === id) await this.#load({ epoch: id, signal });
  }

  /** The open picture by the model that is chosen now; one whose pixels are still read goes that way by itself. */
  async encode(): Promise<void> {
    const { picture } = this.store.get();
    if (picture === null || this.resources.bitmap === null) return;
    await this.#prepare({ epoch: picture.epoch, signal: this.#begin() });
  }

  /** Gives the encoding up, that of a part too; the picture and its clicks stay. */
  stop(): void {
    const epoch = this.store.get().picture?.epoch;
    if (epoch === undefined) return;
    this.#update({ epoch, signal: this.#begin() }, { phase: this.#answers(epoch) ? "ready" : "unencoded" });
    this.#clearWarnings();
  }

  /** Another picture was taken away with the open one, or none is left. */
  async reopen(): Promise<void> {
    const { picture } = this.store.get();
    const signal = this.#begin();
    this.engine.pause();
    this.#forgetPixels();
    if (picture !== null) await this.#load({ epoch: picture.epoch, signal });
  }

  /** Encodes a part of the open picture by itself, so that small things in it get the model's full resolution. */
  async encodeRegion(region: Rectangle | null): Promise<void> {
    const { picture } = this.store.get();
    const { file: whole } = this.resources;
    if (picture?.size == null || whole === null) return;
    const attempt = { epoch: picture.epoch, signal: this.#begin() };
    if (region === null) {
      if (this.#answers(picture.epoch)) this.#update(attempt, { region, phase: "ready" });
      else await this.#prepare(attempt);
      return;
    }
    try {
      const file = await cropOf(whole, region);
      const model = await this.models.chosen();
      const image = { file, name: picture.name, size: region, imageId: null };
      const { bytes } = await this.#embedding(attempt, image, model, (change) => {
        this.#update(attempt, { ...change, imageId: picture.imageId }); // the picture keeps its own
      });
      attempt.signal.throwIfAborted();
      await this.engine.setEmbedding({ epoch: picture.epoch, picture: picture.size, region, bytes });
      this.#update(attempt, { region, phase: "ready" });
      this.#clearWarnings();
    } catch (error) {
      if (isAbort(error) || attempt.signal.aborted) return;
      this.#update(attempt, { phase: "ready" }); // the whole picture still answers
      report(this.store, error, null);
    }
  }

  /** The server forgot the open picture, whose embedding the page still has: whatever comes of it, clicks go on. */
  async sendAgain(epoch: number): Promise<void> {
    const attempt = { epoch, signal: this.#abort.signal };
    try {
      const tell = this.#reportTo(attempt, (change) => this.#update(attempt, change));
      const { id } = await this.embeddings.upload(this.#encodable(), await this.models.chosen(), attempt.signal, tell);
      this.#update(attempt, { imageId: id });
      this.#clearWarnings();
    } finally {
      this.#update(attempt, { phase: "ready" });
    }
  }

  async #load(attempt: Attempt): Promise<void> {
    const { epoch, signal } = attempt;
    try {
      const file = await this.files.get(epoch);
      if (file === null) throw new ApiProblem(404, "picture_lost", "", "", null);
      const { bitmap, size } = await decodeShown(file);
      if (signal.aborted) {
        bitmap.close();
        return;
      }
      this.resources.file = file;
      this.resources.bitmap = bitmap;
      this.#update(attempt, { size });
    } catch (error) {
      const told = error instanceof NoPicture ? new ApiProblem(415, error.code, "", error.message, null) : error;
      this.#fail(attempt, told);
      return;
    }
    await this.#prepare(attempt);
  }

  /** Everything after the pixels. */
  async #prepare(attempt: Attempt): Promise<void> {
    const { epoch, signal } = attempt;
    try {
      const model = await this.models.chosen();
      const { bytes, imageId, from } = await this.#embedding(attempt, this.#encodable(), model, (change) =>
        this.#update(attempt, change),
      );
      this.#update(attempt, { imageId, embedding: { bytes: bytes.byteLength, from } });
      await this.models.start();
      signal.throwIfAborted();
      const picture = this.store.get().picture?.size;
      if (picture == null) return;
      await this.engine.setEmbedding({ epoch, picture, region: null, bytes });
      if (signal.aborted) return;
      this.#update(attempt, { phase: "ready", region: null });
      this.#clearWarnings();
      this.onReady(model);
    } catch (error) {
      this.#fail(attempt, error);
    }
  }

  #embedding(
    attempt: Attempt,
    image: Encodable,
    model: ModelSummary,
    phase: EncodeReport["phase"],
  ): ReturnType<EmbeddingSource["get"]> {
    return this.embeddings.get(image, model, attempt.signal, this.#reportTo(attempt, phase));
  }

  #reportTo(attempt: Attempt, phase: EncodeReport["phase"]): EncodeReport {
    return {
      phase: (change) => {
        phase(change);
        if (change.phase === "encoding") void this.#watchModel(attempt);
      },
      waiting: (_seconds, { code, detail }) => {
        this.#warned.add(code);
        this.store.dispatch({ type: "notice/add", notice: { code, detail, tone: "warning", action: null } });
      },
    };
  }

  #encodable(): Encodable {
    const { picture } = this.store.get();
    const { file } = this.resources;
    if (file === null || picture === null) throw new Error("No picture is open.");
    return { file, name: picture.name, size: picture.size, imageId: picture.imageId };
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

  /** Whether the whole picture has answers of the model that is chosen. */
  #answers(epoch: number): boolean {
    return this.engine.answers(epoch) && this.engine.model?.id === this.store.get().models.chosen;
  }

  #isEncoding(): boolean {
    return ["encoding", "loading"].includes(this.store.get().picture?.phase ?? "");
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

  /** Nothing late of an attempt that was given up. The filmstrip shows the same. */
  #update({ epoch, signal }: Attempt, change: Partial<Omit<Picture, "epoch" | "since">>): void {
    if (signal.aborted) return;
    const begins = change.phase !== undefined && change.phase !== this.store.get().picture?.phase;
    this.store.dispatch({
      type: "picture/update",
      epoch,
      change: begins ? { ...change, since: performance.now() } : change,
    });
    const known = entryChange(change);
    if (known !== null) this.store.dispatch({ type: "workspace/entry", id: epoch, change: known });
  }

  #clearWarnings(): void {
    for (const code of this.#warned) this.store.dispatch({ type: "notice/clear", code });
    this.#warned.clear();
  }

  #forgetPixels(): void {
    this.resources.bitmap?.close();
    this.resources.bitmap = null;
    this.resources.detail?.bitmap.close();
    this.resources.detail = null;
    this.resources.file = null;
    this.resources.library.clear();
  }
}
