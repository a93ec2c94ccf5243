import { createHash } from "node:crypto";

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import type { ModelSummary } from "../src/api/types";
import { ClickModel } from "../src/app/effects/click-model";
import type { EngineKeeper } from "../src/app/effects/engine";
import { emptyResources } from "../src/app/mask-library";
import type { Store } from "../src/app/store";
import { createStore } from "../src/app/store";
import type { Task } from "../src/decode/protocol";
import { DecodeError } from "../src/decode/protocol";
import { imagePoint } from "../src/geometry/frames";
import { emptyRaster } from "../src/geometry/raster";
import { opened, point, run } from "./document";

const GRAPH = "a graph";
const file = (role: string): object => ({
  url: `/v1/models/clicks/c1/${role}.onnx`,
  bytes: GRAPH.length,
  sha256: createHash("sha256").update(GRAPH).digest("hex"),
  role,
});
const MODEL = {
  id: "clicks",
  revision: "c1",
  kind: "interactive",
  title: "Clicks",
  license: "MIT",
  preprocessing: { size: 256, resize: "square" },
  mask_threshold: 0,
  interactive: {
    disk_radius: 5,
    expansion: 1.4,
    smallest_target: 128,
    smallest_focus: 64,
    merge_from: 10,
    look_twice: true,
    score_slope: 1,
    score_offset: 0,
  },
  files: {
    "coarse.onnx": file("coarse"),
    "refine.onnx": file("refine"),
    "golden.safetensors": file("golden"),
  },
} as unknown as ModelSummary;
const OTHER: ModelSummary = { ...MODEL, id: "own", revision: "c2" };
const PROMPTABLE = { ...MODEL, id: "lite", kind: "promptable", interactive: null } as unknown as ModelSummary;
const PICTURE = { width: 100, height: 80 };

interface Bench {
  readonly store: Store;
  readonly clicks: ClickModel;
  readonly tasks: Task[];
  readonly engine: { worker: object; fail: DecodeError | null };
  readonly ask: () => ReturnType<ClickModel["answer"]>;
}

let fetched: string[] = [];
let status = 200;
beforeEach(() => {
  [fetched, status] = [[], 200];
  vi.stubGlobal("fetch", (path: string) => {
    fetched.push(path);
    return Promise.resolve(new Response(status === 200 ? GRAPH : "", { status }));
  });
  vi.spyOn(console, "warn").mockImplementation(() => undefined);
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

function bench(clicking: "promptable" | "interactive" = "interactive"): Bench {
  const store = createStore(run(opened(), { type: "preferences/clicking", clicking }));
  const tasks: Task[] = [];
  const engine = {
    worker: {} as object,
    threads: 2,
    gpu: true,
    fail: null as DecodeError | null,
    onLook: () => undefined,
    call: (task: Task) => {
      tasks.push(task);
      if (engine.fail !== null) return Promise.reject(engine.fail);
      return Promise.resolve(task.kind === "click" ? { raster: emptyRaster(PICTURE), iou: 0.5, ms: 1 } : null);
    },
  };
  const resources = { ...emptyResources(), file: new Blob(["pixels"]) };
  const clicks = new ClickModel(store, engine as unknown as EngineKeeper, resources);
  const epoch = store.get().picture?.epoch ?? -1;
  const given = { step: 9, epoch, picture: PICTURE, base: null, given: false, flip: false };
  const ask: Bench["ask"] = () => clicks.answer({ ...given, clicks: [{ point: imagePoint(5, 5), positive: true }] });
  return { store, clicks, tasks, engine, ask };
}

const codes = (store: Store): string[] => store.get().notices.map(({ code }) => code);

describe("the interactive model", () => {
  it("is the server's first of that kind, fetched before the first click where that will be its own", async () => {
    const { store, clicks } = bench();
    clicks.offer([PROMPTABLE, MODEL]);
    const entry = { id: "clicks", revision: "c1", title: "Clicks", license: "MIT", bytes: 3 * GRAPH.length };
    expect(store.get().models).toMatchObject({ clicks: entry, clickEntries: [entry] });
    await vi.waitFor(() => expect(fetched).toHaveLength(3));
    const patient = bench("promptable");
    patient.clicks.offer([MODEL]);
    expect(fetched).toHaveLength(3);
    patient.store.dispatch({ type: "preferences/clicking", clicking: "refine" });
    await vi.waitFor(() => expect(patient.tasks.map(({ kind }) => kind)).toEqual(["click_start"]));
    const without = bench();
    without.clicks.offer([PROMPTABLE]);
    expect(without.store.get().models.clicks).toBeNull();
  });

  it("is started once in each worker, and fetched once", async () => {
    const { clicks, tasks, engine, ask } = bench();
    clicks.offer([MODEL]);
    await ask();
    await ask();
    engine.worker = {};
    await ask();
    expect(tasks.map(({ kind }) => kind)).toEqual(["click_start", "click", "click", "click_start", "click"]);
    expect(fetched).toHaveLength(3);
    const spec = { revision: "c1", rules: { size: 256, diskRadius: 5 } };
    expect(tasks[0]).toMatchObject({ threads: 2, gpu: true, files: { spec, golden: new ArrayBuffer(GRAPH.length) } });
    expect(tasks[1]).toMatchObject({ request: { step: 9, given: false, flip: false } });
  });

  it("gives way to the promptable one where its graphs do not come; what waits is asked of that one", async () => {
    const { store, clicks, ask } = bench("promptable");
    clicks.offer([MODEL]);
    status = 404;
    store.dispatch({ type: "preferences/clicking", clicking: "interactive" });
    store.dispatch(point(10, 10));
    await expect(ask()).rejects.toThrow();
    expect(store.get().models.clicks).toBeNull();
    expect(codes(store)).toEqual(["clicks_failed"]);
    expect(Object.values(store.get().steps)).toMatchObject([{ edit: null, status: "waiting" }]);
    clicks.offer([MODEL]);
    expect(store.get().models.clicks).toBeNull();
  });

  it("is the one that the person asked for, from its choice on, and at the next visit too", async () => {
    const { store, clicks, tasks, ask } = bench();
    clicks.offer([MODEL, OTHER]);
    await ask();
    store.dispatch({ type: "preferences/click-model", id: "own" });
    expect(store.get().models).toMatchObject({
      clicks: { id: "own" },
      clickEntries: [{ id: "clicks" }, { id: "own" }],
    });
    await ask();
    expect(tasks.map(({ kind }) => kind)).toEqual(["click_start", "click", "click_start", "click"]);
    expect(tasks[2]).toMatchObject({ files: { spec: { revision: "c2" } } });
    clicks.offer([MODEL]);
    expect(store.get().models.clicks?.id).toBe("clicks");
    clicks.offer([MODEL, OTHER]);
    expect(store.get().models.clicks?.id).toBe("own");
  });

  it("that does not run here leaves the others to choose from", async () => {
    const { store, clicks, engine, ask } = bench();
    clicks.offer([MODEL, OTHER]);
    engine.fail = new DecodeError("runtime", "no such operator");
    await expect(ask()).rejects.toThrow();
    expect(store.get().models).toMatchObject({ clicks: null, clickEntries: [{ id: "clicks" }, { id: "own" }] });
    engine.fail = null;
    store.dispatch({ type: "preferences/click-model", id: "own" });
    expect(store.get().models.clicks?.id).toBe("own");
    await expect(ask()).resolves.toMatchObject({ iou: 0.5 });
    engine.fail = new DecodeError("crashed", "out of memory");
    await expect(ask()).rejects.toThrow(); // its own first loss
    expect(store.get().models.clicks?.id).toBe("own");
    engine.fail = null;
    store.dispatch({ type: "preferences/click-model", id: "clicks" });
    await expect(ask()).resolves.toMatchObject({ iou: 0.5 }); // asked for by name, it is tried once more
    expect(codes(store)).toEqual(["clicks_failed"]);
  });

  it("gives way to another that was chosen while it was asked, without being given up", async () => {
    const { store, clicks, engine, ask } = bench();
    clicks.offer([MODEL, OTHER]);
    await ask();
    engine.fail = new DecodeError("runtime", "it was let go");
    const answered = ask();
    store.dispatch({ type: "preferences/click-model", id: "own" });
    engine.fail = null;
    await expect(answered).resolves.toMatchObject({ iou: 0.5 });
    expect(codes(store)).toEqual([]);
    expect(store.get().models.clicks?.id).toBe("own");
    const gone = ask();
    engine.fail = new DecodeError("runtime", "it was let go");
    clicks.offer([PROMPTABLE]);
    await expect(gone).rejects.toThrow();
    expect(codes(store)).toEqual(["clicks_failed"]);
  });

  it("is fetched no further when another is chosen", async () => {
    const signals: AbortSignal[] = [];
    vi.stubGlobal("fetch", (path: string, { signal }: RequestInit) => {
      if (!path.includes("clicks")) return Promise.resolve(new Response(GRAPH));
      if (signal != null) signals.push(signal);
      return new Promise((_, reject) =>
        signal?.addEventListener("abort", () => reject(new DOMException("", "AbortError"))),
      );
    });
    const own = Object.entries(MODEL.files).map(([name, one]) => [name, { ...one, url: `/v1/models/own/${name}` }]);
    const { store, clicks, tasks, ask } = bench();
    clicks.offer([MODEL, { ...OTHER, files: Object.fromEntries(own) as ModelSummary["files"] }]);
    const answered = ask();
    await vi.waitFor(() => expect(signals).toHaveLength(3));
    store.dispatch({ type: "preferences/click-model", id: "own" });
    await expect(answered).resolves.toMatchObject({ iou: 0.5 });
    expect(signals.every(({ aborted }) => aborted)).toBe(true);
    expect(tasks[0]).toMatchObject({ files: { spec: { revision: "c2" } } });
  });

  it("of the same files under another name, or with other rules, is another model", async () => {
    const { store, clicks, tasks, ask } = bench();
    const twin = { ...MODEL, id: "twin", title: "Twin" };
    clicks.offer([MODEL, twin]);
    await ask();
    store.dispatch({ type: "preferences/click-model", id: "twin" });
    expect(store.get().models.clicks?.title).toBe("Twin");
    await ask();
    clicks.offer([MODEL, { ...twin, interactive: { ...MODEL.interactive, merge_from: 3 } } as ModelSummary]);
    await ask();
    clicks.offer([MODEL, { ...twin, interactive: { ...MODEL.interactive, merge_from: 3 } } as ModelSummary]);
    await ask();
    const merges = tasks.flatMap((task) => (task.kind === "click_start" ? task.files.spec.rules.mergeFrom : []));
    expect(merges).toEqual([10, 10, 3]);
  });

  it("waits for the list of models, and is there when it comes", async () => {
    const { store, clicks, tasks, ask } = bench();
    await expect(ask()).rejects.toMatchObject({ code: "stale" });
    expect(codes(store)).toEqual([]);
    clicks.offer([MODEL]);
    await ask();
    expect(tasks.map(({ kind }) => kind)).toEqual(["click_start", "click"]);
  });

  it("is asked again when the server was away, and keeps out of one picture that is too much for it", async () => {
    const away = bench("promptable");
    away.clicks.offer([MODEL]);
    away.engine.fail = null;
    status = 503;
    vi.useFakeTimers();
    const lost = expect(away.ask()).rejects.toMatchObject({ status: 503 });
    await vi.runAllTimersAsync();
    await lost;
    vi.useRealTimers();
    status = 200;
    await away.ask();
    expect(codes(away.store)).toEqual([]);

    const huge = bench();
    huge.clicks.offer([MODEL]);
    await huge.ask();
    huge.store.dispatch(point(10, 10));
    huge.engine.fail = new DecodeError("picture", "out of memory");
    await expect(huge.ask()).rejects.toThrow();
    expect(codes(huge.store)).toEqual(["clicks_picture"]);
    expect(huge.store.get().models.clicks).not.toBeNull();
    expect(Object.values(huge.store.get().steps)).toMatchObject([{ edit: null, status: "waiting" }]);
  });

  it("gives way where it does not run, or has cost a second worker; one worker may die", async () => {
    const broken = bench();
    broken.clicks.offer([MODEL]);
    broken.engine.fail = new DecodeError("runtime", "no such operator");
    await expect(broken.ask()).rejects.toThrow();
    expect(codes(broken.store)).toEqual(["clicks_failed"]);

    const dying = bench();
    dying.clicks.offer([MODEL]);
    await dying.ask();
    dying.engine.fail = new DecodeError("crashed", "out of memory");
    await expect(dying.ask()).rejects.toThrow();
    await expect(dying.ask()).rejects.toThrow(); // under way in the same worker
    expect(codes(dying.store)).toEqual([]);
    dying.engine.worker = {};
    await expect(dying.ask()).rejects.toThrow();
    expect(codes(dying.store)).toEqual(["clicks_failed"]);
  });

  it("answers no click on a picture that was left", async () => {
    const { store, clicks, tasks, ask } = bench();
    clicks.offer([MODEL]);
    store.dispatch({ type: "picture/open", name: "dog.jpg", bytes: 1 });
    await expect(ask()).rejects.toMatchObject({ code: "stale" });
    expect(tasks.map(({ kind }) => kind)).toEqual(["click_start"]);
    expect(store.get().models.clicks).not.toBeNull();
  });
});
