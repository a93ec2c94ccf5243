import { afterEach, describe, expect, it, vi } from "vitest";

import { WithSpare } from "../src/decode/spare";

interface Named {
  readonly name: string;
  readonly release: () => Promise<void>;
}
const engine = (name: string): Named & { release: ReturnType<typeof vi.fn> } => ({
  name,
  release: vi.fn(() => Promise.resolve()),
});
const nameOf = ({ name }: Named): Promise<string> => Promise.resolve(name);

afterEach(() => vi.restoreAllMocks());

describe("two back ends", () => {
  it("the GPU takes over when it comes, and WASM again when it is lost in a call, for good", async () => {
    const taken: string[] = [];
    const both = new WithSpare<Named>(({ name }) => taken.push(name));
    expect(await both.run(nameOf)).toBeNull();
    await both.put(engine("wasm"));
    expect(await both.run(nameOf)).toBe("wasm");
    await both.offer(Promise.resolve(engine("gpu")));
    expect(await both.run(nameOf)).toBe("gpu");
    const lost = ({ name }: Named): Promise<string> =>
      name === "gpu" ? Promise.reject(new Error("device lost")) : Promise.resolve(name);
    expect(await both.run(lost)).toBe("wasm");
    expect(await both.run(nameOf)).toBe("wasm");
    expect(taken).toEqual(["gpu", "wasm"]);
    await expect(both.run(() => Promise.reject(new Error("bad input")))).rejects.toThrow("bad input");
  });

  it("calls that were under way on a lost GPU are all made again, and it is let go", async () => {
    const both = new WithSpare<Named>();
    const gpu = engine("gpu");
    await both.put(engine("wasm"));
    await both.offer(Promise.resolve(gpu));
    const lost = ({ name }: Named): Promise<string> =>
      name === "gpu" ? Promise.reject(new Error("device lost")) : Promise.resolve(name);
    expect(await Promise.all([both.run(lost), both.run(lost)])).toEqual(["wasm", "wasm"]);
    expect(gpu.release).toHaveBeenCalledTimes(1);
  });

  it("is let go when what runs on it has ended", async () => {
    const both = new WithSpare<Named>();
    const first = engine("first");
    await both.put(first);
    let end: () => void = () => undefined;
    const run = both.run(() => new Promise<void>((resolve) => (end = resolve)));
    const put = both.put(null);
    await Promise.resolve();
    expect(first.release).not.toHaveBeenCalled();
    end();
    await Promise.all([run, put]);
    expect(first.release).toHaveBeenCalledTimes(1);
  });

  it("one that comes too late, or not at all, changes nothing; what is replaced is let go", async () => {
    vi.spyOn(console, "info").mockReturnValue();
    const both = new WithSpare<Named>();
    const [first, late, second] = [engine("first"), engine("late"), engine("second")];
    await both.put(first);
    let come: (gpu: Named) => void = () => undefined;
    const offer = both.offer(new Promise((resolve) => (come = resolve)));
    await both.put(second);
    expect(first.release).toHaveBeenCalledTimes(1);
    come(late);
    await offer;
    expect(late.release).toHaveBeenCalledTimes(1);
    await both.offer(Promise.resolve(null));
    await both.offer(Promise.reject(new Error("no adapter")));
    expect(await both.run(nameOf)).toBe("second");
  });
});
