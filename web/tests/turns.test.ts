import { describe, expect, it } from "vitest";

import type { Runtime } from "../src/decode/engine";
import { inTurns } from "../src/decode/turns";

describe("a runtime entered in turns", () => {
  it("runs one call of all its sessions at a time, in order, and goes on after one that fails", async () => {
    const seen: string[] = [];
    let inside = 0;
    let most = 0;
    const work = async (name: string): Promise<void> => {
      most = Math.max(most, ++inside);
      await new Promise((resolve) => setTimeout(resolve, 1));
      inside--;
      seen.push(name);
      if (name === "run b") throw new Error("device lost");
    };
    const session = (name: string): object => ({
      run: () => work(`run ${name}`).then(() => ({})),
      release: () => work(`release ${name}`),
    });
    const create = async (model: Uint8Array): Promise<object> => {
      const name = new TextDecoder().decode(model);
      await work(`create ${name}`);
      return session(name);
    };
    const runtime = inTurns({ InferenceSession: { create }, Tensor: Object } as unknown as Runtime);
    const [a, b] = await Promise.all(["a", "b"].map((name) =>
      runtime.InferenceSession.create(new TextEncoder().encode(name), {}),
    )); // prettier-ignore
    if (a === undefined || b === undefined) throw new Error("There are two.");
    const outcomes = await Promise.allSettled([a.run({}), b.run({}), a.run({}), b.release()]);
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled", "fulfilled"]);
    expect(seen).toEqual(["create a", "create b", "run a", "run b", "run a", "release b"]);
    expect(most).toBe(1);
  });
});
