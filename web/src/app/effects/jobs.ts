import type { Job } from "../state";
import type { Store } from "../store";

export type JobTask = (options: JobOptions) => Promise<void>;

export interface JobOptions {
  readonly signal: AbortSignal;
  /** Tells how much is done, 0 to 1. */
  readonly progress: (part: number) => void;
}

/** Long work that a person sees going on and can stop; one at a time, the others wait. */
export class Jobs {
  #running: AbortController | null = null;
  #last: Promise<unknown> = Promise.resolve();
  readonly #wanted: Job["kind"][] = [];
  #turn = 0;

  constructor(private readonly store: Store) {}

  /** Whether any work goes on or waits. */
  get busy(): boolean {
    return this.#wanted.length > 0;
  }

  /** Whether work of one of these kinds goes on or waits. */
  has(...kinds: Job["kind"][]): boolean {
    return this.#wanted.some((kind) => kinds.includes(kind));
  }

  /** Stops what goes on. */
  stop(): void {
    this.#running?.abort();
  }

  /** Stops what goes on, and what waits does not begin. */
  stopAll(): void {
    this.#turn++;
    this.stop();
  }

  /** Resolves when the work has ended or was stopped; what it raises otherwise is raised here. */
  run(kind: Job["kind"], task: JobTask): Promise<void> {
    this.#wanted.push(kind);
    const turn = this.#turn;
    const running = this.#last.then(() => {
      if (turn === this.#turn) return this.#begin(kind, task);
      this.#wanted.shift();
    });
    this.#last = running.catch(() => undefined);
    return running;
  }

  async #begin(kind: Job["kind"], task: JobTask): Promise<void> {
    const { signal } = (this.#running = new AbortController());
    const progress = (part: number): void => this.store.dispatch({ type: "job/update", job: { kind, part } });
    progress(0);
    try {
      await task({ signal, progress });
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      this.#running = null;
      this.#wanted.shift();
      this.store.dispatch({ type: "job/update", job: null });
    }
  }
}
