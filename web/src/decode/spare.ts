/** What answers on one back end. */
export interface BackEnd {
  release(): Promise<void>;
}

/** WASM at once; the GPU when it has proved itself, WASM kept beside it for the day on which the GPU is lost. */
export class WithSpare<E extends BackEnd> {
  #engine: E | null = null;
  #spare: E | null = null;
  /** The GPU that was lost: calls that were under way on it are made again. */
  #lost: E | null = null;
  readonly #running = new Set<Promise<unknown>>();

  /** `taken`: hears of each engine that takes another's place. */
  constructor(private readonly taken: (engine: E) => void = () => undefined) {}

  /** Those before are let go; runs that are under way end first. */
  async put(engine: E | null): Promise<void> {
    const before = [this.#engine, this.#spare];
    this.#engine = engine;
    this.#spare = null;
    await Promise.allSettled(this.#running);
    for (const session of before) await session?.release();
  }

  /** Takes over when it comes (null: it does not); nobody waits for that. */
  async offer(coming: Promise<E | null>): Promise<void> {
    const present = this.#engine;
    const found = await coming.catch((error: unknown) => {
      console.info(`Segserve: WebGPU does not start: ${String(error)}`);
      return null;
    });
    if (found === null) return;
    if (this.#engine !== present || present === null) {
      await found.release(); // another model was loaded meanwhile
      return;
    }
    this.#engine = found;
    this.#spare = present;
    this.taken(found);
  }

  /** A GPU that is lost in the middle of things hands back to WASM, at once and for good. null: there is no engine. */
  async run<T>(call: (engine: E) => Promise<T>): Promise<T | null> {
    const engine = this.#engine;
    if (engine === null) return null;
    const running = this.#call(engine, call);
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }

  async #call<T>(engine: E, call: (engine: E) => Promise<T>): Promise<T> {
    try {
      return await call(engine);
    } catch (error) {
      if (engine === this.#engine && this.#spare !== null) {
        [this.#engine, this.#spare, this.#lost] = [this.#spare, null, engine];
        this.taken(this.#engine);
        void engine.release().catch(() => undefined);
      }
      if (engine !== this.#lost || this.#engine === null) throw error;
      return call(this.#engine);
    }
  }
}
