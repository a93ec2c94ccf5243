import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { EngineKeeper } from "../src/app/effects/engine";
import type { LoadedModel } from "../src/app/effects/model";
import type { Store } from "../src/app/store";
import { createStore } from "../src/app/store";
import type { Call, EngineInfo, Reply } from "../src/decode/protocol";

const MODEL = { id: "m", revision: "r", spec: {}, decoder: new ArrayBuffer(4), golden: null } as unknown as LoadedModel;

/** Answers every call at once: a start by the processor. */
class FakeWorker {
  static last: FakeWorker | null = null;
  static broken = 0;
  onmessage: (event: { data: Reply }) => void = () => undefined;
  onerror: (event: object) => void = () => undefined;

  constructor() {
    FakeWorker.last = this;
  }

  postMessage({ ticket }: Call): void {
    if (FakeWorker.broken-- > 0) return this.crash();
    const value = { backend: "wasm", threads: 2 };
    queueMicrotask(() => this.onmessage({ data: { kind: "answer", ticket, value } as unknown as Reply }));
  }

  /** It went over to another back end by itself. */
  tell(info: EngineInfo): void {
    this.onmessage({ data: { kind: "engine", info } });
  }

  crash(): void {
    queueMicrotask(() => this.onerror({ message: "gone", preventDefault: () => undefined }));
  }

  terminate(): void {
    this.onmessage = () => undefined;
  }
}

let store: Store;
let keeper: EngineKeeper;
const codes = (): string[] => store.get().notices.map(({ code }) => code);

beforeEach(() => {
  vi.stubGlobal("Worker", FakeWorker);
  vi.stubGlobal("navigator", {});
  vi.spyOn(console, "warn").mockImplementation(() => undefined);
  FakeWorker.broken = 0;
  store = createStore();
  keeper = new EngineKeeper(store);
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

describe("the decoder's back end", () => {
  it("that loses the graphics card says so, once, and goes on", async () => {
    await keeper.start(MODEL);
    FakeWorker.last?.tell({ backend: "webgpu", threads: 1 });
    expect([store.get().engine.backend, codes()]).toEqual(["webgpu", []]);
    FakeWorker.last?.tell({ backend: "wasm", threads: 2 });
    expect(store.get().engine).toMatchObject({ backend: "wasm", phase: "ready" });
    expect(codes()).toEqual(["gpu_lost"]);
  });

  it("begins on the processor with every model, which is no loss", async () => {
    await keeper.start(MODEL);
    FakeWorker.last?.tell({ backend: "webgpu", threads: 1 });
    await keeper.start({ ...MODEL, id: "n" });
    expect([store.get().engine.backend, codes()]).toEqual(["wasm", []]);
  });
});

describe("a worker that starts", () => {
  it("is told, at first and after a crash, of an encoded picture or not; what the one before held is lost", async () => {
    const told: string[] = [];
    keeper.onStarted = () => told.push("started");
    keeper.onLost = (dead) => told.push(dead ? "dead" : "paused");
    await keeper.start(MODEL);
    expect(told).toEqual(["started"]);
    await keeper.start({ ...MODEL, id: "n" });
    expect(told).toEqual(["started"]); // the same worker, which holds what it held
    FakeWorker.last?.crash();
    await vi.waitFor(() => expect(told).toEqual(["started", "dead", "started"]));
  });

  it("and steps down before it has started has lost what it was told too", async () => {
    const told: string[] = [];
    keeper.onStarted = () => told.push("started");
    keeper.onLost = (dead) => told.push(dead ? "dead" : "paused");
    await keeper.start(MODEL);
    store.dispatch({ type: "engine/update", change: { phase: "loading" } });
    FakeWorker.broken = 1;
    await keeper.start({ ...MODEL, id: "n" });
    expect(told).toEqual(["started", "dead", "started"]);
  });
});
