import type { DecodeRequest, StepResult } from "../../decode/protocol";
import { DecodeError } from "../../decode/protocol";
import { shownSteps } from "../selectors";
import type { Step } from "../state";
import type { Store } from "../store";
import type { ClickModel } from "./click-model";
import type { EngineKeeper } from "./engine";
import type { ServerDecoder } from "./server-decoder";
import type { ResultShelf } from "./shelf";

/** So many steps' masks stay in the worker, where undo finds them at once; the others come from the shelf. */
const MOST_HELD = 48;

/** Makes a step's masks, or finds them again: in the worker, on the shelf, or, when both lost them, by the same steps. */
export class StepMaker {
  /** Steps that the worker holds, oldest first, with their pictures. */
  readonly #held = new Map<number, number>();
  /** Steps that are being made: who needs one waits for it. */
  readonly #making = new Map<number, Promise<void>>();

  constructor(
    private readonly store: Store,
    private readonly engine: EngineKeeper,
    private readonly server: ServerDecoder,
    private readonly shelf: ResultShelf,
    private readonly clicks: ClickModel,
  ) {}

  /** A step that waits, after what it goes on from. `onMade` hears of each step that had to be made on the way. */
  make(epoch: number, step: Step, onMade: (id: number, result: StepResult) => void): Promise<void> {
    const begun = this.#making.get(step.id);
    if (begun !== undefined) return begun;
    const made = this.#make(epoch, step, onMade).finally(() => this.#making.delete(step.id));
    this.#making.set(step.id, made);
    return made;
  }

  async #make(epoch: number, step: Step, onMade: (id: number, result: StepResult) => void): Promise<void> {
    for (const before of this.#needsOf(step)) {
      if (before.status !== "done") await this.make(epoch, before, onMade);
      else await this.hold(epoch, before.id);
    }
    const result = await this.#answer(epoch, step, step.feedback);
    this.shelf.keep(epoch, step.id, result);
    onMade(step.id, result);
    if (this.#held.size > MOST_HELD) void this.#letGo([...this.#held.keys()].slice(0, MOST_HELD / 2));
  }

  /** A step that was done before. Raises `stale` when nobody has it any more and the model that made it is gone. */
  async recall(epoch: number, id: number): Promise<StepResult> {
    if (this.#held.has(id)) {
      const held = await this.engine.call<"restore">({ kind: "restore", step: id });
      if (held !== null) return held;
    }
    const kept = await this.shelf.recall(epoch, id);
    if (kept !== null) {
      this.give(epoch, id, kept);
      return kept;
    }
    const step = this.store.get().steps[id];
    if (step === undefined) throw new DecodeError("stale", "That step is gone.");
    if (step.edit === null && step.revision !== this.engine.model?.revision) {
      this.store.dispatch({ type: "step/lost", step: id });
      throw new DecodeError("stale", "The model that made it is gone.");
    }
    const fedBack = step.fedBack === null ? [] : [step.fedBack];
    const feedback = step.edit === null ? fedBack : step.feedback.slice(0, 1);
    for (const { step: before } of [...feedback, ...step.others]) await this.recall(epoch, before);
    const result = await this.#answer(epoch, step, feedback);
    this.shelf.keep(epoch, id, result);
    return result;
  }

  /** Afterwards the worker has it. Raises as `recall`. */
  async hold(epoch: number, id: number): Promise<void> {
    if (!this.#held.has(id)) await this.recall(epoch, id);
  }

  /** Whether the worker has it for good; what it was lent otherwise is to be taken back. */
  holds(id: number): boolean {
    return this.#held.has(id);
  }

  /** Hands the worker a mask that it had lost or never had. */
  give(epoch: number, step: number, result: StepResult): void {
    this.#held.set(step, epoch);
    this.engine.call<"adopt">({ kind: "adopt", step, result }).catch(() => this.#held.delete(step));
  }

  /** The worker died with all that it held. */
  lose(): void {
    this.#held.clear();
  }

  /** Steps that nothing can reach any more. */
  forget(steps: readonly number[]): void {
    for (const step of steps) this.#held.delete(step);
    this.shelf.forget(steps);
    this.engine.call<"forget">({ kind: "forget", steps }).catch(() => undefined);
  }

  /** The worker need not hold a closed picture's steps, for the shelf keeps them. */
  leave(picture: number): void {
    void this.#letGo([...this.#held].filter(([, of]) => of === picture).map(([step]) => step));
  }

  async #letGo(steps: readonly number[]): Promise<void> {
    if (steps.length === 0 || !(await this.shelf.settled())) return;
    const shown = shownSteps(this.store.get());
    const gone = steps.filter((step) => !shown.includes(step) && this.#held.has(step));
    for (const step of gone) this.#held.delete(step);
    if (gone.length > 0) this.engine.call<"forget">({ kind: "forget", steps: gone }).catch(() => undefined);
  }

  /**
   * A change by hand needs all that it names. A question needs one mask to feed back: a click that was overtaken is passed
   * over for the one before it, but a drawn outline is never.
   */
  #needsOf({ edit, feedback, others }: Step): Step[] {
    const { steps } = this.store.get();
    const named = edit === null ? feedback : [...feedback.slice(0, 1), ...others];
    const found = named.flatMap(({ step }) => steps[step] ?? []);
    if (edit !== null) return found;
    return found.filter((step) => step.status === "done" || step.edit !== null).slice(0, 1);
  }

  async #answer(epoch: number, step: Step, feedback: Step["feedback"]): Promise<StepResult> {
    const result = await this.#ask(epoch, step, feedback);
    this.#held.set(step.id, epoch);
    return result;
  }

  #ask(epoch: number, step: Step, feedback: Step["feedback"]): Promise<StepResult> {
    const { id, prompt, multimask, region, edit, others } = step;
    const picture = this.store.get().picture?.size;
    if (edit?.kind === "click" && picture != null) {
      const { clicks, given, flip } = edit;
      return this.clicks.answer({ step: id, epoch, picture, base: feedback[0] ?? null, clicks, given, flip });
    }
    if (edit !== null && picture != null) {
      const request = { step: id, picture, edit, base: feedback[0] ?? null, others };
      return this.engine.call<"edit">({ kind: "edit", request });
    }
    const request: DecodeRequest = { step: id, prompt, multimask, region, feedback };
    return this.engine.usesServer
      ? this.server.decode(epoch, request)
      : this.engine.call<"decode">({ kind: "decode", epoch, request });
  }
}
