import { isAbort } from "../../api/problem";
import { LatestWins } from "../../decode/latest-wins";
import type { DecodeRequest, DecodeResult } from "../../decode/protocol";
import { DecodeError, logitsOf } from "../../decode/protocol";
import type { ImagePoint } from "../../geometry/frames";
import { isInside } from "../../geometry/frames";
import type { Resources } from "../mask-library";
import { docOf, draftOf, shownSteps } from "../selectors";
import type { AppState, Step } from "../state";
import type { Store } from "../store";
import type { EngineKeeper } from "./engine";
import { report } from "./notices";
import type { ServerDecoder } from "./server-decoder";

type DecodeJob =
  | { readonly urgent: true; readonly epoch: number; readonly step: number }
  | { readonly urgent: false; readonly epoch: number; readonly at: ImagePoint };

/** Keeps the painted masks true to the document: asks for what is missing, restores what the worker still holds. */
export class Decoding {
  readonly #queue = new LatestWins<DecodeJob>(
    (job) => (job.urgent ? this.#runStep(job.epoch, job.step) : this.#runHover(job.epoch, job.at)),
    (job, error) => this.#failed(job, error),
  );
  #running: number | null = null;
  readonly #restoring = new Set<number>();
  #epoch = -1;
  /** Grows with each picture, model and worker; what was asked before answers nobody. */
  #generation = 0;

  constructor(
    private readonly store: Store,
    private readonly resources: Resources,
    private readonly engine: EngineKeeper,
    private readonly server: ServerDecoder,
  ) {
    engine.onReady = (revision) => this.#open(revision);
    engine.onLost = () => {
      this.#generation++;
      this.#queue.close();
      this.#dropHover();
    };
    store.listen((state, before, action) => {
      if (state.picture?.epoch !== this.#epoch) this.#enter(state);
      else if (state.steps !== before.steps) this.#forget(before, state);
      if (state.history !== before.history || state.steps !== before.steps) this.#sync();
      const isReady = state.picture?.phase === "ready" && before.picture?.phase !== "ready";
      if (action.type === "pointer/move" || state.history !== before.history || isReady) this.#hover();
    });
  }

  #enter(state: AppState): void {
    this.#epoch = state.picture?.epoch ?? -1;
    this.#generation++;
    this.#queue.clear();
    this.#queue.close();
    this.#restoring.clear();
    this.resources.library.clear();
  }

  #open(revision: string): void {
    this.#handBack();
    this.store.dispatch({ type: "draft/renew", revision });
    this.#queue.open();
    this.#sync();
    this.#hover();
  }

  /** A preview is the model's that made it: another one must not inherit it. */
  #dropHover(): void {
    this.resources.library.setHover(null);
    if (this.store.get().hoverShown) this.store.dispatch({ type: "hover/shown", shown: false, ms: null });
  }

  /** A worker that was started anew gets the painted masks back, to feed back and to write into files. */
  #handBack(): void {
    const { steps } = this.store.get();
    for (const id of shownSteps(this.store.get())) {
      const step = steps[id];
      const logits = this.resources.library.candidatesOf(id);
      const [first] = logits;
      if (first === undefined || step === undefined || step.revision === null) continue;
      const { candidates, fedBack, revision } = step;
      const { width, height, placement, threshold } = first;
      const masks = logits.map(({ data }) => data);
      const result = { candidates, masks, width, height, placement, threshold, revision, ms: 0, fedBack };
      this.engine.call<"adopt">({ kind: "adopt", epoch: this.#epoch, step: id, result }).catch(() => undefined);
    }
  }

  #forget(before: AppState, state: AppState): void {
    const steps = Object.values(before.steps).flatMap(({ id }) => (state.steps[id] === undefined ? [id] : []));
    if (steps.length === 0) return;
    this.engine.call<"forget">({ kind: "forget", epoch: this.#epoch, steps }).catch(() => undefined);
  }

  /** The draft's step first, then steps of objects that a newer click had overtaken. */
  #sync(): void {
    const state = this.store.get();
    const { objects, draft } = docOf(state);
    const wanted = [draft.step, ...objects.map((object) => object.step)].find(
      (id) => id !== null && state.steps[id]?.status === "waiting",
    );
    if (wanted != null && wanted !== this.#running) {
      this.#queue.submit({ urgent: true, epoch: this.#epoch, step: wanted });
    }
    const shown = shownSteps(state);
    this.resources.library.keepOnly(shown);
    for (const id of shown) {
      if (state.steps[id]?.status === "done" && !this.resources.library.has(id)) void this.#restore(id);
    }
  }

  async #runStep(epoch: number, id: number): Promise<void> {
    const step = this.store.get().steps[id];
    if (epoch !== this.#epoch || step?.status !== "waiting") return;
    const generation = this.#generation;
    this.#running = id;
    try {
      const result = await this.#answer(epoch, requestFor(step, step.feedback));
      if (generation !== this.#generation) return;
      this.#keep(id, result);
      this.resources.library.setHover(null);
      const { candidates, fedBack, revision, ms } = result;
      this.store.dispatch({ type: "step/decoded", step: id, candidates, fedBack, revision, ms });
    } finally {
      this.#running = null;
      if (generation !== this.#generation) this.#sync(); // what still waits is asked of what answers now
    }
  }

  #answer(epoch: number, request: DecodeRequest): Promise<DecodeResult> {
    return this.engine.usesServer
      ? this.server.decode(epoch, request)
      : this.engine.call<"decode">({ kind: "decode", epoch, request });
  }

  /** Logits that were painted before: from the worker, or, when it was started anew, by the same steps again. */
  async #restore(id: number): Promise<void> {
    if (this.#restoring.has(id)) return;
    this.#restoring.add(id);
    const epoch = this.#epoch;
    try {
      const result = await this.#recall(epoch, id);
      if (epoch !== this.#epoch || result.revision !== this.store.get().steps[id]?.revision) return;
      this.#keep(id, result);
      this.store.dispatch({ type: "masks/changed" });
    } catch (error) {
      if (!wasLost(error)) report(this.store, error);
    } finally {
      this.#restoring.delete(id);
    }
  }

  async #recall(epoch: number, id: number): Promise<DecodeResult> {
    const held = await this.engine.call<"restore">({ kind: "restore", epoch, step: id });
    if (held !== null) return held;
    const step = this.store.get().steps[id];
    if (step === undefined) throw new DecodeError("stale", "That step is gone.");
    if (step.revision !== this.engine.model?.revision) {
      this.store.dispatch({ type: "step/lost", step: id });
      throw new DecodeError("stale", "The model that made it is gone.");
    }
    if (step.fedBack !== null) await this.#recall(epoch, step.fedBack.step);
    return this.#answer(epoch, requestFor(step, step.fedBack === null ? [] : [step.fedBack]));
  }

  #keep(id: number, result: DecodeResult): void {
    if (!shownSteps(this.store.get()).includes(id)) return;
    this.resources.library.set(id, { candidates: result.masks.flatMap((_, i) => logitsOf(result, i) ?? []) });
  }

  #hover(): void {
    const state = this.store.get();
    const at = hoverPoint(state);
    if (at !== null && !this.engine.usesServer) {
      this.#queue.submit({ urgent: false, epoch: this.#epoch, at });
    } else if (state.hoverShown) {
      if (draftOf(state).step === null) this.resources.library.setHover(null);
      this.store.dispatch({ type: "hover/shown", shown: false, ms: null });
    }
  }

  async #runHover(epoch: number, at: ImagePoint): Promise<void> {
    if (epoch !== this.#epoch || hoverPoint(this.store.get()) === null) return;
    const generation = this.#generation;
    const prompt = { points: [{ id: 0, at, label: 1 as const }], box: null };
    const request = { step: null, prompt, multimask: true, feedback: [] };
    const result = await this.engine.call<"decode">({ kind: "decode", epoch, request });
    const best = logitsOf(result, 0);
    if (generation !== this.#generation || best === null || hoverPoint(this.store.get()) === null) return;
    this.resources.library.setHover(best);
    this.store.dispatch({ type: "hover/shown", shown: true, ms: result.ms });
  }

  #failed(job: DecodeJob, error: unknown): void {
    if (job.epoch !== this.#epoch || wasLost(error)) return;
    if (!job.urgent) return;
    console.warn(`Segserve: ${String(error)}`);
    this.store.dispatch({ type: "step/failed", step: job.step });
    if (this.engine.usesServer) {
      report(this.store, error);
      return;
    }
    const notice = { code: "decode_failed", detail: "", tone: "error", action: "retry" } as const;
    this.store.dispatch({ type: "notice/add", notice });
  }
}

function requestFor(step: Step, feedback: Step["feedback"]): DecodeRequest {
  return { step: step.id, prompt: step.prompt, multimask: step.multimask, feedback };
}

/** Where a preview makes sense: over the picture, with the pointing tool, before the first click of an object. */
function hoverPoint(state: AppState): ImagePoint | null {
  const { pointer, tool, band, grabbing, dialog } = state.view;
  const draft = draftOf(state);
  const size = state.picture?.size ?? null;
  if (pointer === null || size === null || tool !== "point" || band !== null || grabbing || dialog !== null)
    return null;
  if (draft.step !== null || draft.editing !== null || state.picture?.phase !== "ready") return null;
  return isInside(pointer, size) ? pointer : null;
}

/** The worker died or the picture changed: the restart, or nobody, asks again. */
function wasLost(error: unknown): boolean {
  return isAbort(error) || (error instanceof DecodeError && ["crashed", "timeout", "stale"].includes(error.code));
}
