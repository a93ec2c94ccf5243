import { DecodeClient, localPort, workerPort } from "../../decode/client";
import type { Answers, EngineInfo, Task } from "../../decode/protocol";
import { DecodeError } from "../../decode/protocol";
import type { Size } from "../../geometry/frames";
import type { Rectangle } from "../../geometry/mask";
import type { Store } from "../store";
import type { LoadedModel } from "./model";

/** The steps down: threads, one thread, the server. */
type Rung = "threads" | "single" | "server";

const MOST_THREADS = 4;
/** Crashes within this time of each other mean that this rung does not hold. */
const CRASH_WINDOW_MS = 30_000;

/** An embedding of the open picture, or of a part of it. */
export interface OpenEmbedding {
  readonly epoch: number;
  readonly picture: Size;
  readonly region: Rectangle | null;
  readonly bytes: ArrayBuffer;
}

/** Owns the decode worker: starts it, steps down when a rung fails, starts it again after a crash. */
export class EngineKeeper {
  #client: DecodeClient | null = null;
  #model: LoadedModel | null = null;
  #rung: Rung = "single";
  /** The whole picture's first. */
  #open: readonly OpenEmbedding[] = [];
  #lastCrash = -Infinity;
  #launching: Promise<void> = Promise.resolve();
  /** Called when a worker is ready for the open picture, for the first time or again. */
  onReady: (revision: string) => void = () => undefined;
  /** Called when a worker has started, whether a picture is encoded or not; a new one holds nothing. */
  onStarted: () => void = () => undefined;
  /** Where the interactive model looks. */
  onLook: (target: Rectangle) => void = () => undefined;
  /** Nothing is answered until `onReady`. `dead`: the worker is gone with all that it held; otherwise it only pauses. */
  onLost: (dead: boolean) => void = () => undefined;

  constructor(private readonly store: Store) {}

  get model(): LoadedModel | null {
    return this.#model;
  }

  /** Another one after each start: what it was told before is gone. */
  get worker(): object | null {
    return this.#client;
  }

  /** For a further session in the worker. */
  get threads(): number {
    return this.#rung === "threads" ? threadsAvailable() : 1;
  }

  /** Whether a worker may try the GPU. */
  get gpu(): boolean {
    return this.#rung !== "server" && "gpu" in navigator;
  }

  /** Whether clicks on this picture have an answer. */
  answers(epoch: number): boolean {
    return this.#open.some((embedding) => embedding.epoch === epoch);
  }

  get usesServer(): boolean {
    return this.#rung === "server";
  }

  /** Puts a model in the present one's place; models that are started in a hurry take their turns. */
  async start(model: LoadedModel): Promise<void> {
    this.#launching = this.#launching.catch(() => undefined).then(() => this.#take(model));
    await this.#launching;
  }

  /** No click is answered until a picture is set again; answers that are under way are dropped. */
  pause(): void {
    this.#open = [];
    this.onLost(false);
  }

  async setEmbedding(embedding: OpenEmbedding): Promise<void> {
    const { epoch, region, picture, bytes } = embedding;
    await this.#launching; // a worker that is being started again would lose it
    const model = this.#model;
    const isOpen = (): boolean => epoch === this.store.get().picture?.epoch;
    if (!isOpen()) return;
    await this.call({ kind: "embedding", epoch, region, picture, bytes });
    if (model === null || model !== this.#model || !isOpen()) return;
    const others = this.#open.filter((other) => other.epoch === epoch && other.region !== region && region !== null);
    this.#open = region === null ? [embedding] : [...others, embedding];
    this.onReady(model.revision);
  }

  call<K extends Task["kind"]>(task: Extract<Task, { kind: K }>): Promise<Answers[K]> {
    if (this.#client === null) return Promise.reject(new DecodeError("crashed", "No worker is running."));
    return this.#client.call<K>(task);
  }

  /** The worker stays, for it keeps the other model's masks; one that cannot take the model makes way for the next. */
  async #take(model: LoadedModel): Promise<void> {
    const client = this.#client;
    this.#model = model;
    this.#open = [];
    if (client === null) {
      this.#rung = threadsAvailable() > 1 ? "threads" : "single";
      return this.#launch();
    }
    try {
      this.#show(await client.call<"start">(this.#startTask(model)));
    } catch (error) {
      client.close();
      console.warn(`Segserve: the decoder does not take another model (${this.#rung}): ${String(error)}`);
      if (this.#rung !== "server") this.#stepDown();
      await this.#launch();
    }
  }

  async #launch(): Promise<void> {
    const model = this.#model;
    if (model === null) return;
    for (;;) {
      const client = this.#spawn();
      this.#client = client;
      try {
        const info = await client.call<"start">(this.#startTask(model));
        this.#show(info);
        this.onStarted();
        return;
      } catch (error) {
        client.close();
        if (this.#client !== client) return;
        console.warn(`Segserve: the decoder does not start (${this.#rung}): ${String(error)}`);
        if (this.#rung === "server") throw error;
        this.#stepDown();
      }
    }
  }

  #startTask(model: LoadedModel): Extract<Task, { kind: "start" }> {
    const runs = this.#rung !== "server";
    return {
      kind: "start",
      spec: model.spec,
      model: runs ? model.decoder : null,
      golden: model.golden,
      threads: this.threads,
      gpu: this.gpu,
    };
  }

  #spawn(): DecodeClient {
    if (this.#client !== null) this.onLost(true);
    const port = this.#rung === "server" ? localPort() : workerPort();
    const client: DecodeClient = new DecodeClient(
      port,
      (info) => this.#change(info),
      () => {
        if (this.#client === client && this.store.get().engine.phase === "ready") void this.#restart();
      },
      (target) => this.onLook(target),
    );
    return client;
  }

  async #restart(): Promise<void> {
    const rung = this.#rung;
    const now = performance.now();
    if (now - this.#lastCrash < CRASH_WINDOW_MS && this.#rung !== "server") this.#stepDown();
    this.#lastCrash = now;
    this.store.dispatch({ type: "engine/update", change: { phase: "loading" } });
    try {
      this.#launching = this.#launch();
      await this.#launching;
      for (const embedding of this.#open) await this.setEmbedding(embedding);
      if (this.#rung === rung) this.#tell("worker_restarted", "info");
      else if (this.#rung === "single") this.#tell("worker_slower", "warning");
    } catch {
      this.store.dispatch({ type: "engine/update", change: { phase: "failed", backend: null } });
    }
  }

  #stepDown(): void {
    this.#rung = this.#rung === "threads" ? "single" : "server";
    if (this.#rung === "server") this.#tell("server_predict", "warning");
  }

  /** The worker itself went over to another back end. */
  #change(info: EngineInfo): void {
    if (this.store.get().engine.backend === "webgpu" && info.backend !== "webgpu") this.#tell("gpu_lost", "info");
    this.#show(info);
  }

  #show(info: EngineInfo): void {
    const { backend, threads } = info;
    this.store.dispatch({ type: "engine/update", change: { phase: "ready", backend, threads } });
  }

  #tell(code: string, tone: "info" | "warning"): void {
    this.store.dispatch({ type: "notice/add", notice: { code, detail: "", tone, action: null } });
  }
}

function threadsAvailable(): number {
  return globalThis.crossOriginIsolated ? Math.min(navigator.hardwareConcurrency, MOST_THREADS) : 1;
}
