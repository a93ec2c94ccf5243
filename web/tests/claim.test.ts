import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { askFor, claim } from "../src/storage/claim";

/** As the browser's: all others of the name hear it a moment later, but who closed does not, nor one that sleeps until it wakes. */
class FakeChannel {
  static open: FakeChannel[] = [];
  onmessage: ((event: { data: unknown }) => void) | null = null;
  #closed = false;
  #slept: unknown[] | null = null;

  constructor(private readonly name: string) {
    FakeChannel.open.push(this);
  }

  postMessage(data: unknown): void {
    if (this.#closed) throw new DOMException("closed", "InvalidStateError");
    const others = FakeChannel.open.filter((other) => other !== this && other.name === this.name);
    setTimeout(() => others.forEach((other) => other.#hear(data)), 5);
  }

  #hear(data: unknown): void {
    if (this.#slept !== null) this.#slept.push(data);
    else if (!this.#closed) this.onmessage?.({ data });
  }

  sleep(): void {
    this.#slept = [];
  }

  wake(): void {
    const heard = this.#slept ?? [];
    this.#slept = null;
    for (const data of heard) this.#hear(data);
  }

  close(): void {
    this.#closed = true;
  }
}

beforeEach(() => {
  FakeChannel.open = [];
  vi.useFakeTimers();
  vi.stubGlobal("navigator", {}); // plain http: no locks
  vi.stubGlobal("BroadcastChannel", FakeChannel);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

const claimed = async (asked: (taken: boolean) => void = () => undefined): Promise<(() => void) | null> => {
  const claiming = claim("w", asked);
  await vi.advanceTimersByTimeAsync(1000);
  return claiming;
};

describe("without locks", () => {
  it("a workspace is the first tab's until it lets it go or is gone", async () => {
    const first = await claimed();
    expect(first).not.toBeNull();
    expect(await claimed()).toBeNull();
    expect(await claimed()).toBeNull();
    first?.();
    first?.(); // closed twice
    const second = await claimed();
    expect(second).not.toBeNull();
    FakeChannel.open.length = 0; // it crashes
    expect(await claimed()).not.toBeNull();
  });

  it.each([
    [0.2, 0.7, 0],
    [0.7, 0.2, 0],
    [0.2, 0.7, 3], // before either has heard the other
    [0.7, 0.2, 3],
    [0.2, 0.7, 217], // the first is about to have it
    [0.7, 0.2, 217],
  ])("of two tabs that ask at once one has it (%d, %d, %d ms apart)", async (one, other, apart) => {
    vi.spyOn(Math, "random").mockReturnValueOnce(one).mockReturnValueOnce(other);
    const asked = vi.fn();
    const first = claim("w", asked);
    await vi.advanceTimersByTimeAsync(apart);
    const second = claim("w", asked);
    await vi.advanceTimersByTimeAsync(2000);
    const owners = (await Promise.all([first, second])).filter((release) => release !== null);
    expect(owners).toHaveLength(1);
    expect(asked).not.toHaveBeenCalled();
    expect(await claimed()).toBeNull();
  });

  it("a tab that asks for it waits until it is written", async () => {
    const done = vi.fn();
    let release: (() => void) | null = null;
    const asked = vi.fn(() => void setTimeout(() => release?.(), 2000));
    release = await claimed(asked);
    void askFor("w").then(done);
    await vi.advanceTimersByTimeAsync(1900);
    expect(asked.mock.calls).toEqual([[false]]);
    expect(done).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(200);
    expect(done).toHaveBeenCalledOnce();
    expect(await claimed()).not.toBeNull();
  });

  it("it is taken from a tab that does not give it, and from none soon", async () => {
    const done = vi.fn();
    void askFor("w").then(done);
    await vi.advanceTimersByTimeAsync(1000);
    expect(done).toHaveBeenCalledOnce();
    const asked = vi.fn();
    await claimed(asked);
    void askFor("w").then(done);
    await vi.advanceTimersByTimeAsync(6000);
    expect(done).toHaveBeenCalledTimes(2);
    expect(asked.mock.calls).toEqual([[false], [true]]);
    expect(await claimed()).not.toBeNull();
  });

  it("a tab that slept while another took it hears so when it wakes", async () => {
    const [early, late] = [vi.fn(), vi.fn()];
    await claimed(early);
    const [channel] = FakeChannel.open;
    channel?.sleep();
    expect(await claimed(late)).not.toBeNull();
    channel?.wake();
    await vi.advanceTimersByTimeAsync(100);
    expect(early.mock.calls).toEqual([[true]]);
    expect(late).not.toHaveBeenCalled();
    expect(await claimed()).toBeNull();
  });

  it("a tab that is busy while it begins hears who has it all the same", async () => {
    const asked = vi.fn();
    await claimed(asked);
    const second = claim("w", asked);
    FakeChannel.open.at(-1)?.sleep();
    setTimeout(() => FakeChannel.open.at(-1)?.wake(), 200); // behind the end of its patience
    await vi.advanceTimersByTimeAsync(1000);
    expect(await second).toBeNull();
    expect(asked).not.toHaveBeenCalled();
  });

  it("nobody waits long for a page that no other tab answers for", async () => {
    const done = vi.fn();
    void claim("w", () => undefined).then(done);
    await vi.advanceTimersByTimeAsync(250);
    expect(done).toHaveBeenCalledOnce();
  });

  it("nor channels, each tab works for itself", async () => {
    vi.stubGlobal("BroadcastChannel", undefined);
    expect(await claim("w", () => undefined)).not.toBeNull();
    await askFor("w");
  });
});
