import { isAbort } from "../../api/problem";
import { LatestWins } from "../../decode/latest-wins";
import type { StepResult } from "../../decode/protocol";
import { DecodeError, logitsOf } from "../../decode/protocol";
import type { ImagePoint } from "../../geometry/frames";
import { isInside } from "../../geometry/frames";
import type { Resources } from "../mask-library";
import { clickingOf } from "../clicking";
import { docOf, draftOf, shownSteps } from "../selectors";
import type { AppState } from "../state";
import { regionFor } from "../steps";
import type { Store } from "../store";
import type { EngineKeeper } from "./engine";
import { report } from "./notices";
import type { StepMaker } from "./step-maker";

/** What is said of a mask by hand or by the interactive model. */
const ofPixels = ({ iou = null, ms = null }: { readonly iou?: number | null; readonly ms?: number | null }) =>
  ({ candidates: [{ index: 0, iou }], fedBack: null, revision: null, ms }) as const;

type DecodeJob =
  | { readonly urgent: true; readonly epoch: number; readonly step: number }
  | { readonly urgent: false; readonly epoch: number; readonly at: ImagePoint };

/** Keeps the painted masks true to the document: asks for what is missing, restores what the worker still holds. */
export class Decoding {
  readonly #queue = new LatestWins<DecodeJob>(
    (job) => (job.urgent ? this.#runStep(job.epoch, job.step) : this.#runHover(job.epoch, job.at)),
    (job, error) => this.#failed(job, error),
  );
  readonly #running = new Set<number>();
  readonly #restoring = new Set<number>();
  /** What came of the steps that are painted. */
  readonly #painted = new Map<number, StepResult>();
  #epoch = -1;
  /** Grows with each picture, model and worker; what was asked before answers nobody. */
  #generation = 0;

  constructor(
    private readonly store: Store,
    private readonly resources: Resources,
    private readonly engine: EngineKeeper,
    private readonly maker: StepMaker,
  ) {
    engine.onReady = (revision) => this.#open(revision);
    engine.onStarted = () => {
      this.#handBack();
      this.#sync(); // work by hand waits for no picture's embedding
    };
    engine.onLost = (dead) => {
      this.#generation++;
      this.#queue.close();
      if (dead) this.maker.lose();
      this.#dropHover();
    };
    store.listen((state, before, action) => {
      if (state.picture?.epoch !== this.#epoch) this.#enter(state);
      else if (state.steps !== before.steps) this.#forget(before, state);
      if (state.history !== before.history || state.steps !== before.steps) this.#sync();
      const isReady = state.picture?.phase === "ready" && before.picture?.phase !== "ready";
      if (action.type === "preferences/clicking") this.#dropHover();
      const mayHover = action.type === "pointer/move" || action.type === "preferences/clicking" || isReady;
      if (mayHover || state.history !== before.history) this.#hover();
    });
  }

  #enter(state: AppState): void {
    this.maker.leave(this.#epoch);
    this.#epoch = state.picture?.epoch ?? -1;
    this.#generation++;
    this.#queue.clear();
    this.#queue.close();
    this.#restoring.clear();
    this.#painted.clear();
    this.resources.library.clear();
    this.engine.call<"leave">({ kind: "leave", epoch: this.#epoch }).catch(() => undefined);
    this.#sync(); // what is kept of it is shown before it can be clicked
  }

  #open(revision: string): void {
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
    for (const [id, result] of this.#painted) this.maker.give(this.#epoch, id, result);
  }

  #forget(before: AppState, state: AppState): void {
    if (before.picture?.epoch !== state.picture?.epoch) return;
    const steps = Object.values(before.steps).flatMap(({ id }) => (state.steps[id] === undefined ? [id] : []));
    if (steps.length > 0) this.maker.forget(steps);
  }

  /** The draft's step first, then steps of objects that a newer click had overtaken; what is by hand waits for no question. */
  #sync(): void {
    const state = this.store.get();
    const { objects, draft } = docOf(state);
    const own = draft.step === null ? [] : [draft.step];
    const wanted = [...own, ...objects.map((object) => object.step)];
    const waiting = wanted.filter((id) => state.steps[id]?.status === "waiting");
    const isByHand = handWorkIn(state.steps);
    const asked = waiting.find((id) => !isByHand(id));
    if (asked !== undefined && !this.#running.has(asked)) {
      this.#queue.submit({ urgent: true, epoch: this.#epoch, step: asked });
    }
    for (const id of waiting) if (!this.#running.has(id) && isByHand(id)) void this.#mend(id);
    const shown = shownSteps(state);
    this.resources.library.keepOnly(shown);
    for (const id of this.#painted.keys()) if (!shown.includes(id)) this.#painted.delete(id);
    for (const id of shown) {
      if (state.steps[id]?.status === "done" && !this.resources.library.has(id)) void this.#restore(id);
    }
  }

  async #runStep(epoch: number, id: number): Promise<void> {
    const step = this.store.get().steps[id];
    if (epoch !== this.#epoch || step?.status !== "waiting") return;
    const generation = this.#generation;
    let asksAnother = false; // the promptable model, in the interactive one's place
    this.#running.add(id);
    try {
      await this.maker.make(epoch, step, (made, result) => {
        if (generation === this.#generation) this.#report(made, result);
      });
    } catch (error) {
      const now = this.store.get().steps[id];
      if (step.edit === null || now?.edit !== null) throw error;
      asksAnother = true;
    } finally {
      this.#running.delete(id);
      // What still waits is asked of what answers now.
      if (asksAnother || generation !== this.#generation) this.#sync();
    }
  }

  /** A change by hand waits for no embedding. */
  async #mend(id: number): Promise<void> {
    const epoch = this.#epoch;
    try {
      await this.#runStep(epoch, id);
    } catch (error) {
      this.#failed({ urgent: true, epoch, step: id }, error); // a worker that comes back looks what waits
      return;
    }
    this.#sync();
  }

  #report(id: number, result: StepResult): void {
    this.resources.library.setHover(null);
    this.#keep(id, result);
    const { candidates, fedBack, revision, ms } = "raster" in result ? ofPixels(result) : result;
    this.store.dispatch({ type: "step/decoded", step: id, candidates, fedBack, revision, ms });
  }

  async #restore(id: number): Promise<void> {
    if (this.#restoring.has(id)) return;
    this.#restoring.add(id);
    const epoch = this.#epoch;
    try {
      const result = await this.maker.recall(epoch, id);
      const revision = "raster" in result ? null : result.revision;
      if (epoch !== this.#epoch || revision !== this.store.get().steps[id]?.revision) return;
      this.#keep(id, result);
      this.store.dispatch({ type: "masks/changed" });
    } catch (error) {
      if (!wasLost(error)) report(this.store, error);
    } finally {
      this.#restoring.delete(id);
    }
  }

  #keep(id: number, result: StepResult): void {
    if (!shownSteps(this.store.get()).includes(id)) return;
    const count = "raster" in result ? 1 : result.masks.length;
    const candidates = Array.from({ length: count }, (_, i) => logitsOf(result, i)).filter((logits) => logits !== null);
    this.resources.library.set(id, { candidates });
    this.#painted.set(id, result);
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
    const region = regionFor(this.store.get(), prompt);
    const request = { step: null, prompt, multimask: true, region, feedback: [] };
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

/** Which steps are changes by hand, or clicks for the interactive model, on masks that are there or are such changes. */
export function handWorkIn(steps: AppState["steps"]): (id: number) => boolean {
  const known = new Map<number, boolean>(); // objects that are cut out of all others name these, and those one another
  const isByHand = (id: number): boolean => {
    const before = known.get(id);
    if (before !== undefined) return before;
    const step = steps[id];
    const named = step?.edit == null ? null : [...step.feedback.slice(0, 1), ...step.others];
    const found = named?.every((ref) => steps[ref.step]?.status === "done" || isByHand(ref.step)) ?? false;
    known.set(id, found);
    return found;
  };
  return isByHand;
}

/** Where a preview makes sense: over the picture, with the pointing tool, before the first click of an object, if the promptable model answers it. */
function hoverPoint(state: AppState): ImagePoint | null {
  const { pointer, tool, band, grabbing, dialog } = state.view;
  const draft = draftOf(state);
  const size = state.picture?.size ?? null;
  if (pointer === null || size === null || tool !== "point" || band !== null || grabbing || dialog !== null)
    return null;
  if (clickingOf(state) === "interactive") return null;
  if (draft.step !== null || draft.editing !== null || state.picture?.phase !== "ready") return null;
  return isInside(pointer, size) ? pointer : null;
}

/** The worker died or the picture changed: the restart, or nobody, asks again. */
function wasLost(error: unknown): boolean {
  return isAbort(error) || (error instanceof DecodeError && ["crashed", "timeout", "stale"].includes(error.code));
}
