export interface Job {
  /** A click is urgent; a hover preview is not and never pushes a click out of the slot. */
  readonly urgent: boolean;
}

/** One job in flight, one pending, the newest wins. While closed (no embedding yet) the pending job waits. */
export class LatestWins<J extends Job> {
  #pending: J | null = null;
  #busy = false;
  #open = false;

  constructor(
    private readonly run: (job: J) => Promise<void>,
    private readonly failed: (job: J, error: unknown) => void,
  ) {}

  get busy(): boolean {
    return this.#busy;
  }

  submit(job: J): void {
    if (this.#pending?.urgent === true && !job.urgent) return;
    this.#pending = job;
    void this.#drain();
  }

  open(): void {
    this.#open = true;
    void this.#drain();
  }

  close(): void {
    this.#open = false;
  }

  /** Forgets what waits; what is in flight finishes and is judged by its epoch. */
  clear(): void {
    this.#pending = null;
  }

  async #drain(): Promise<void> {
    const job = this.#pending;
    if (job === null || this.#busy || !this.#open) return;
    this.#pending = null;
    this.#busy = true;
    try {
      await this.run(job);
    } catch (error) {
      this.failed(job, error);
    } finally {
      this.#busy = false;
      void this.#drain();
    }
  }
}
