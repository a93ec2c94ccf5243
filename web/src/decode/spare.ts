/** What answers on one back end. */
export interface BackEnd {
  release(): Promise<void>;
}

/** WASM at once; the GPU when it has proved itself, WASM kept beside it for the day on which the GPU is lost. */
export class WithSpare<E extends BackEnd> {
  #engine: E | null = null;
  #spare: E | null = null;

  /** `taken`: hears of each engine that takes another's place. */
  constructor(private readonly taken: (engine: E) => void = () => undefined) {}

  /** Those before are let go; runs that are under way end first. */
  async put(engine: E | null): Promise<void> {
    const before = [this.#engine, this.#spare];
    this.#engine = engine;
    this.#spare = null;
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
    try {
      return await call(engine);
    } catch (error) {
      const spare = this.#spare;
      if (spare === null || engine !== this.#engine) throw error;
      this.#engine = spare;
      this.#spare = null;
      this.taken(spare);
      return call(spare);
    }
  }
}
