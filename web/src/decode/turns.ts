import type { Runtime, Session } from "./engine";

/** One call at a time, in the order in which they came. */
class Turns {
  #last: Promise<unknown> = Promise.resolve();

  take<T>(call: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(call);
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}

/**
 * The runtime, entered by one call at a time whatever its sessions: the WebGPU build waits for the GPU in the middle of a
 * call, and another session's call would find its pipelines half made.
 */
export function inTurns({ InferenceSession, Tensor }: Runtime): Runtime {
  const turns = new Turns();
  const create: Runtime["InferenceSession"]["create"] = async (model, options) => {
    const session = await turns.take(() => InferenceSession.create(model, options));
    return {
      run: (feeds: Parameters<Session["run"]>[0]) => turns.take(() => session.run(feeds)),
      release: () => turns.take(() => session.release()),
    };
  };
  return { InferenceSession: { create }, Tensor };
}
