import { ApiProblem, isAbort } from "../../api/problem";
import type { ModelFile, ModelSummary } from "../../api/types";
import type { ClickFiles, ClickRequest, ClickSpec, StepResult } from "../../decode/protocol";
import { DecodeError } from "../../decode/protocol";
import type { Resources } from "../mask-library";
import type { ClickModelEntry } from "../models";
import type { Store } from "../store";
import type { EngineKeeper } from "./engine";
import { fetchFile, fileFor } from "./model";

const MOST_LOST = 2;

/** The interactive model in use: fetched and started in the worker before its first click, and started again in each new worker. */
export class ClickModel {
  #models: readonly ModelSummary[] = [];
  #chosen: ModelSummary | null = null;
  #files: Promise<ClickFiles> | null = null;
  /** Ends the fetching of a model that is not wanted any more. */
  #abort = new AbortController();
  #startedIn: object | null = null;
  #started: Promise<unknown> = Promise.resolve();
  /** What the server has is known. */
  #listed = false;
  /** Revisions that do not run here. */
  readonly #gaveUp = new Set<string>();
  /** Workers that died or hung over its clicks. */
  readonly #lost = new Set<object>();

  constructor(
    private readonly store: Store,
    private readonly engine: EngineKeeper,
    private readonly resources: Resources,
  ) {
    engine.onLook = (target) => store.dispatch({ type: "looking/show", target });
    store.listen((_state, _before, action) => {
      if (action.type === "preferences/click-model") this.#choose({ anew: true });
      if (action.type === "preferences/clicking" && action.clicking !== "promptable" && this.#chosen !== null)
        void this.#start().catch(() => undefined); // its first click tells what is wrong
    });
  }

  /** What the server has. */
  offer(models: readonly ModelSummary[]): void {
    this.#listed = true;
    this.#models = models.filter(({ kind, interactive }) => kind === "interactive" && interactive != null);
    this.store.dispatch({ type: "models/update", change: { clickEntries: this.#models.map(clickEntryOf) } });
    this.#choose();
  }

  /** The one that the person asked for serves, else the server's first. `anew`: also one that was given up. */
  #choose({ anew } = { anew: false }): void {
    const { clickModel, clicking } = this.store.get().preferences;
    const found = this.#models.find(({ id }) => id === clickModel) ?? this.#models[0] ?? null;
    const retried = anew && found !== null && this.#gaveUp.delete(found.revision);
    if (isSame(found, this.#chosen) && !retried) return;
    this.#abort.abort();
    this.#abort = new AbortController();
    this.#chosen = found;
    this.#files = null;
    this.#startedIn = null;
    this.#lost.clear();
    const runs = found !== null && !this.#gaveUp.has(found.revision);
    this.store.dispatch({ type: "models/update", change: { clicks: runs ? clickEntryOf(found) : null } });
    if (runs && clicking !== "promptable") void this.#load().catch(() => undefined);
  }

  /** Raises `stale` when another picture is open by now, and where it is not known yet what the server has. */
  async answer(request: Omit<ClickRequest, "source">): Promise<StepResult> {
    if (!this.#listed) throw new DecodeError("stale", "It waits for the list of models.");
    const { worker } = this.engine;
    const asked = this.#chosen;
    try {
      await this.#start();
      const source = this.resources.file;
      if (source === null || this.store.get().picture?.epoch !== request.epoch)
        throw new DecodeError("stale", "Another picture is open.");
      return await this.engine.call<"click">({ kind: "click", request: { ...request, source } });
    } catch (error) {
      if (asked !== this.#chosen) return await this.#answerOtherwise(request, error);
      if (this.#isFinal(error, worker)) this.#giveUp(error);
      else if (error instanceof DecodeError && error.code === "picture") this.#passOn("clicks_picture", error);
      throw error;
    } finally {
      if (this.store.get().view.looking !== null) this.store.dispatch({ type: "looking/show", target: null });
    }
  }

  /** Another one was chosen meanwhile, or the server has none any more. */
  async #answerOtherwise(request: Omit<ClickRequest, "source">, error: unknown): Promise<StepResult> {
    if (this.store.get().models.clicks !== null) return this.answer(request);
    this.#passOn("clicks_failed", error);
    throw error;
  }

  /** One lost worker is started again, the second is one too many; a server that is away comes back. */
  #isFinal(error: unknown, worker: object | null): boolean {
    if (isAbort(error) || (error instanceof ApiProblem && error.isTransient)) return false;
    if (!(error instanceof DecodeError)) return true;
    if (["crashed", "timeout"].includes(error.code) && worker !== null) return this.#lost.add(worker).size >= MOST_LOST;
    return ["runtime", "self_test"].includes(error.code);
  }

  async #start(): Promise<void> {
    const loading = this.#load();
    const files = await loading;
    if (loading !== this.#files) return this.#start(); // another was chosen meanwhile
    const { worker, threads, gpu } = this.engine;
    if (worker === null) throw new DecodeError("crashed", "No worker is running.");
    if (worker !== this.#startedIn) {
      this.#startedIn = worker;
      const started = this.engine.call<"click_start">({ kind: "click_start", files, threads, gpu });
      this.#started = started;
      started.catch(() => {
        if (this.#started === started) this.#startedIn = null;
      });
    }
    await this.#started;
  }

  /** A failure is not remembered: the next click tries again. */
  #load(): Promise<ClickFiles> {
    if (this.#files !== null) return this.#files;
    const files = this.#fetch().catch((error: unknown) => {
      if (this.#files === files) this.#files = null;
      throw error;
    });
    return (this.#files = files);
  }

  async #fetch(): Promise<ClickFiles> {
    const model = this.#chosen;
    const coarse = model && fileFor(model, "coarse");
    if (model === null || coarse == null) throw new DecodeError("runtime", "The server has no such model.");
    const { signal } = this.#abort;
    const fetched = (file: ModelFile | undefined): Promise<ArrayBuffer> | null =>
      file === undefined ? null : fetchFile(file, signal, () => undefined);
    const [first, refine, golden] = await Promise.all([
      fetchFile(coarse, signal, () => undefined),
      fetched(fileFor(model, "refine")),
      fetched(fileFor(model, "golden")),
    ]);
    return { spec: specOf(model), coarse: first, refine, golden };
  }

  /** Clicks are the promptable model's again; what was made so far is kept. */
  #giveUp(error: unknown): void {
    if (this.#chosen !== null) this.#gaveUp.add(this.#chosen.revision);
    this.#files = null;
    this.store.dispatch({ type: "models/update", change: { clicks: null } });
    this.#passOn("clicks_failed", error);
    this.engine.call<"click_stop">({ kind: "click_stop" }).catch(() => undefined);
  }

  /** What waits for it is asked of the promptable model. */
  #passOn(code: "clicks_failed" | "clicks_picture", error: unknown): void {
    console.warn(`Segserve: the interactive model does not run: ${String(error)}`);
    this.store.dispatch({ type: "notice/add", notice: { code, detail: "", tone: "warning", action: null } });
    this.store.dispatch({ type: "steps/promptable" });
  }
}

/** Files alike do not make models alike: rules and titles stand in the manifest. */
function isSame(one: ModelSummary | null, other: ModelSummary | null): boolean {
  const told = (model: ModelSummary | null): unknown => model && [clickEntryOf(model), model.interactive];
  return JSON.stringify(told(one)) === JSON.stringify(told(other));
}

export function clickEntryOf(model: ModelSummary): ClickModelEntry {
  const roles = ["coarse", "refine", "golden"] as const;
  const bytes = roles.reduce((sum, role) => sum + (fileFor(model, role)?.bytes ?? 0), 0);
  return { id: model.id, revision: model.revision, title: model.title, license: model.license, bytes };
}

function specOf({ revision, preprocessing, mask_threshold, interactive }: ModelSummary): ClickSpec {
  if (interactive == null) throw new DecodeError("runtime", "That model is of another kind.");
  const rules = {
    size: preprocessing.size,
    threshold: mask_threshold,
    diskRadius: interactive.disk_radius,
    expansion: interactive.expansion,
    smallestTarget: interactive.smallest_target,
    smallestFocus: interactive.smallest_focus,
    mergeFrom: interactive.merge_from,
    lookTwice: interactive.look_twice,
    scoreSlope: interactive.score_slope,
    scoreOffset: interactive.score_offset,
  };
  return { revision, rules };
}
