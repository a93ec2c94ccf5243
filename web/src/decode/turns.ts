/** One call at a time, in the order in which they came: a GPU session cannot be entered twice. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  take<T>(call: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(call);
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  /** All calls so far have ended. */
  get over(): Promise<unknown> {
    return this.#last;
  }
}
