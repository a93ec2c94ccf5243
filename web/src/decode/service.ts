import { edited } from "../geometry/edit";
import type { PlacedLogits, Rectangle } from "../geometry/mask";
import { rasterOf } from "../geometry/mask";
import { emptyRaster, trimmed } from "../geometry/raster";
import type { ClickService } from "./click-service";
import type { Embedding } from "./embedding";
import { readEmbedding, RevisionMismatch } from "./embedding";
import type { DecoderOutputs, Engine } from "./engine";
import { fitted } from "./feedback";
import { decoderInputs } from "./inputs";
import type { Launcher } from "./launch";
import type {
  Answers,
  ClickRequest,
  DecodeRequest,
  DecodeResult,
  DecoderSpec,
  EditRequest,
  EngineInfo,
  MaskRef,
  StepResult,
  Task,
} from "./protocol";
import { DecodeError, logitsOf } from "./protocol";
import { maskFile, rankedMasks, summaryOf } from "./results";
import { WithSpare } from "./spare";

/**
 * The worker's brain: owns the session, the embedding and every step's logits. Runs in a worker, or without one.
 * Another `start` puts another model in the present one's place: its session and embedding go, the steps stay.
 */
export class DecodeService {
  #spec: DecoderSpec | null = null;
  readonly #engine: WithSpare<Engine>;
  /** Of the open picture and its parts. */
  readonly #embeddings = new Map<string, Embedding>();
  #epoch = -1;
  readonly #steps = new Map<number, StepResult>();

  constructor(
    private readonly launcher: Launcher | null,
    announce: (info: EngineInfo) => void,
    private readonly clicks: ClickService | null = null,
  ) {
    this.#engine = new WithSpare<Engine>(({ backend, threads }) => announce({ backend, threads }));
  }

  async handle(task: Task): Promise<Answers[Task["kind"]]> {
    switch (task.kind) {
      case "start":
        return this.#start(task);
      case "embedding":
        return this.#setEmbedding(task);
      case "decode":
        return this.#decode(task.epoch, task.request);
      case "edit":
        return this.#edit(task.request);
      case "click_start":
        return this.#clicks().start(task);
      case "click":
        return this.#click(task.request);
      case "click_stop":
        return this.#clicks().stop();
      case "leave":
        this.clicks?.leave(task.epoch);
        return null;
      case "restore":
        return this.#steps.get(task.step) ?? null;
      case "adopt":
        this.#steps.set(task.step, task.result);
        return null;
      case "forget":
        for (const step of task.steps) this.#steps.delete(step);
        return null;
      case "summarise":
        return this.#masksOf(task.masks).map(summaryOf);
      case "mask_png":
        return maskFile(this.#masksOf(task.masks));
      case "cut_out":
        return maskFile(this.#masksOf(task.masks), task.source);
    }
  }

  async #start({ spec, model, golden, threads, gpu }: Extract<Task, { kind: "start" }>): Promise<EngineInfo> {
    this.#spec = spec;
    await this.#engine.put(null);
    this.#embeddings.clear();
    if (model === null || this.launcher === null) return { backend: "server", threads: 0 };
    const engine = await this.launcher.wasm(model, spec, golden, threads);
    await this.#engine.put(engine);
    if (gpu && golden !== null) void this.#engine.offer(this.launcher.webgpu(model, spec, golden, engine));
    return { backend: engine.backend, threads: engine.threads };
  }

  #setEmbedding({ epoch, region, picture, bytes }: Extract<Task, { kind: "embedding" }>): null {
    const spec = this.#specNow();
    try {
      const expected = { revision: spec.revision, names: spec.embeddingNames };
      const embedding = readEmbedding(bytes, expected, region === null ? undefined : { picture, area: region });
      if (epoch !== this.#epoch) this.#embeddings.clear();
      this.#epoch = epoch;
      this.#embeddings.set(keyOf(region), embedding);
    } catch (error) {
      if (error instanceof RevisionMismatch) throw new DecodeError("revision", error.message);
      throw error;
    }
    return null;
  }

  async #decode(epoch: number, request: DecodeRequest): Promise<DecodeResult> {
    const of = (region: Rectangle | null): Embedding | undefined => this.#embeddings.get(keyOf(region));
    const embedding = epoch === this.#epoch ? (of(request.region) ?? of(null)) : undefined;
    if (embedding === undefined) throw new DecodeError("stale", "Another picture is open.");
    const spec = this.#specNow();
    const started = performance.now();
    const grid = { width: spec.maskWidth, height: spec.maskHeight };
    const { placement } = embedding;
    const fedBack = this.#feedbackFor(request.feedback, spec);
    const mask = fedBack && fitted(this.#logits(fedBack), placement, grid);
    const inputs = decoderInputs(request.prompt, placement, mask, grid, spec.paddingIsNeutral);
    const outputs = await this.#run(embedding, inputs);
    if (spec !== this.#spec) throw new DecodeError("stale", "Another model was loaded.");
    const result: DecodeResult = {
      ...rankedMasks(outputs, spec, request.multimask),
      revision: spec.revision,
      placement,
      threshold: spec.maskThreshold,
      ms: performance.now() - started,
      fedBack,
    };
    if (request.step !== null) this.#steps.set(request.step, result);
    return result;
  }

  #edit({ step, picture, edit, base, others }: EditRequest): StepResult {
    const before = base === null ? emptyRaster(picture) : rasterOf(this.#logits(base));
    const raster = edited(before, edit, this.#masksOf(others).map(rasterOf));
    this.#steps.set(step, { raster });
    return { raster };
  }

  #clicks(): ClickService {
    if (this.clicks === null) throw new DecodeError("runtime", "No runtime for an interactive model.");
    return this.clicks;
  }

  async #click(request: ClickRequest): Promise<StepResult> {
    const started = performance.now();
    const { step, base, picture } = request;
    const before = base === null ? emptyRaster(picture) : trimmed(rasterOf(this.#logits(base)));
    const { raster, iou } = await this.#clicks().answer(before, request);
    const result = { raster, iou, ms: performance.now() - started };
    this.#steps.set(step, result);
    return result;
  }

  /** Another model's logits mean nothing to this one; a mask that was mended by hand is anybody's. */
  #feedbackFor(refs: readonly MaskRef[], spec: DecoderSpec): MaskRef | null {
    const fits = (ref: MaskRef): boolean => {
      const held = this.#steps.get(ref.step);
      if (held === undefined || logitsOf(held, ref.candidate) === null) return false;
      return "raster" in held || held.revision === spec.revision;
    };
    return refs.find(fits) ?? null;
  }

  async #run(...call: Parameters<Engine["run"]>): ReturnType<Engine["run"]> {
    let outputs: DecoderOutputs | null;
    try {
      outputs = await this.#engine.run((engine) => engine.run(...call));
    } catch (error) {
      throw new DecodeError("runtime", String(error));
    }
    if (outputs === null) throw new DecodeError("runtime", "No decoder is loaded.");
    return outputs;
  }

  #masksOf(refs: readonly MaskRef[]): PlacedLogits[] {
    return refs.map((ref) => this.#logits(ref));
  }

  #logits(ref: MaskRef): PlacedLogits {
    const step = this.#steps.get(ref.step);
    const logits = step === undefined ? null : logitsOf(step, ref.candidate);
    if (logits === null) throw new DecodeError("empty", "That mask is not here any more.");
    return logits;
  }

  #specNow(): DecoderSpec {
    if (this.#spec === null) throw new DecodeError("runtime", "The decoder was not started.");
    return this.#spec;
  }
}

const keyOf = (region: Rectangle | null): string =>
  region === null ? "" : `${region.x},${region.y},${region.width},${region.height}`;
