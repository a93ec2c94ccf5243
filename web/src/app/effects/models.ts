import { listModels } from "../../api/client";
import { ApiProblem } from "../../api/problem";
import type { RetryOptions } from "../../api/retry";
import { withRetry } from "../../api/retry";
import type { ModelList, ModelSummary } from "../../api/types";
import type { ModelEntry } from "../models";
import type { Store } from "../store";
import type { ClickModel } from "./click-model";
import { forgetChoice, keepChoice, readChoice } from "./choice";
import type { EngineKeeper } from "./engine";
import { fileFor, loadModel } from "./model";
import { report } from "./notices";

/** Which model answers: the server's list, the person's choice, and the decoder that is loaded for it. */
export class ModelKeeper {
  readonly #forever = new AbortController().signal;
  #offered: readonly ModelSummary[] = [];
  #chosen: ModelSummary | null = null;
  #choosing: Promise<ModelSummary> | null = null;
  /** Aborted when another model is chosen. */
  #abort = new AbortController();
  #starting: Promise<void> | null = null;
  readonly #warned = new Set<string>();

  constructor(
    private readonly store: Store,
    private readonly engine: EngineKeeper,
    private readonly clicks: ClickModel,
  ) {}

  /** The model that pictures are encoded by. Raises `decoder_missing`, or what kept the list from coming. */
  async chosen(): Promise<ModelSummary> {
    if (this.#chosen !== null) return this.#chosen;
    this.#choosing ??= this.#chooseFirst().finally(() => (this.#choosing = null));
    return this.#choosing;
  }

  /** Resolves when the chosen model's decoder runs. A failure is not remembered: the next call tries again. */
  start(): Promise<void> {
    const { signal } = this.#abort;
    this.#starting ??= this.#bringUp(signal).catch((error: unknown) => {
      if (!signal.aborted) {
        this.#starting = null;
        this.store.dispatch({ type: "engine/update", change: { phase: "failed", backend: null } });
      }
      throw error;
    });
    return this.#starting;
  }

  /** Another model from now on; false when it is this one already, or not on offer. The caller starts it. */
  choose(id: string): boolean {
    const model = this.#offered.find((offered) => offered.id === id);
    if (model === undefined) return false;
    keepChoice(id);
    if (model.id === this.#chosen?.id && model.revision === this.#chosen.revision) return false;
    this.#chosen = model;
    this.#abort.abort();
    this.#abort = new AbortController();
    this.#starting = null;
    this.engine.pause();
    this.store.dispatch({ type: "models/update", change: { chosen: id } });
    return true;
  }

  /** The list as it is now: models come and go, and their speed becomes known. */
  async refresh(): Promise<void> {
    try {
      this.#take(await listModels(this.#forever));
    } catch {
      this.store.dispatch({ type: "models/update", change: { stale: true } });
    }
  }

  async #chooseFirst(): Promise<ModelSummary> {
    const list = await withRetry(() => listModels(this.#forever), { signal: this.#forever, onWait: this.#warn });
    this.#take(list);
    const wanted = readChoice();
    const found = this.#offered.find((model) => model.id === wanted);
    if (wanted !== null && found === undefined) {
      forgetChoice();
      const notice = { code: "model_gone", detail: wanted, tone: "warning", action: null } as const;
      this.store.dispatch({ type: "notice/add", notice });
    }
    const model = found ?? this.#offered.find((offered) => offered.id === list.default) ?? this.#offered[0];
    if (model === undefined) throw new ApiProblem(404, "decoder_missing", "", "", null);
    this.#chosen = model;
    this.store.dispatch({ type: "models/update", change: { chosen: model.id } });
    return model;
  }

  async #bringUp(signal: AbortSignal): Promise<void> {
    const { dispatch } = this.store;
    dispatch({ type: "engine/update", change: { phase: "loading", progress: 0, lastMs: null } });
    const chosen = await this.chosen();
    const progress = (part: number): void => {
      if (!signal.aborted) dispatch({ type: "engine/update", change: { progress: part } });
    };
    const model = await loadModel(chosen, signal, progress, this.#warn);
    signal.throwIfAborted();
    for (const code of this.#warned) dispatch({ type: "notice/clear", code });
    this.#warned.clear();
    dispatch({ type: "engine/update", change: { progress: 1, model: model.id } });
    await this.engine.start(model);
    signal.throwIfAborted();
  }

  #take(list: ModelList): void {
    this.#offered = list.models.filter((model) => fileFor(model, "decoder") !== undefined);
    this.clicks.offer(list.models);
    this.store.dispatch({ type: "models/update", change: { entries: this.#offered.map(entryOf), stale: false } });
  }

  readonly #warn: NonNullable<RetryOptions["onWait"]> = (_seconds, problem) => {
    this.#warned.add(problem.code);
    report(this.store, problem);
  };
}

export function entryOf(model: ModelSummary): ModelEntry {
  const encodeMs = model.encode_ms ?? model.speed?.encode_ms ?? null;
  return {
    id: model.id,
    revision: model.revision,
    title: model.title,
    license: model.license,
    decoderBytes: fileFor(model, "decoder")?.bytes ?? 0,
    totalBytes: Object.values(model.files).reduce((sum, file) => sum + file.bytes, 0),
    encodeMs,
    measured: encodeMs === null ? null : model.encode_ms == null ? "elsewhere" : "here",
    state: model.state ?? null,
  };
}
