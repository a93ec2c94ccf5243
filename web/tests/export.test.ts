import { afterEach, beforeEach, expect, it, vi } from "vitest";

import type { ExportFormat } from "../src/app/actions";
import type { ClickModel } from "../src/app/effects/click-model";
import type { EngineKeeper } from "../src/app/effects/engine";
import { Exporter } from "../src/app/effects/export";
import { Jobs } from "../src/app/effects/jobs";
import type { ServerDecoder } from "../src/app/effects/server-decoder";
import { StepMaker } from "../src/app/effects/step-maker";
import type { Store } from "../src/app/store";
import { createStore } from "../src/app/store";
import { documentsOf } from "../src/app/workspace";
import type { Task } from "../src/decode/protocol";
import { DecodeService } from "../src/decode/service";
import type { Raster } from "../src/geometry/raster";
import { emptyRaster, rasterToRle, rleToRaster } from "../src/geometry/raster";
import { cropOf, thumbnailOf } from "../src/pictures/pixels";
import { bitmapOf, FakeCanvas } from "./canvases";

const SIZE = { width: 8, height: 6 };
const MASK: Raster = { picture: SIZE, area: { x: 2, y: 2, width: 3, height: 2 }, data: new Uint8Array(6).fill(1) };
/** Grey, but the fourth column, which is transparent. */
const PIXELS = Uint8ClampedArray.from({ length: SIZE.width * SIZE.height * 4 }, (_, i) =>
  Math.floor(i / 4) % SIZE.width === 3 ? 0 : i % 4 === 3 ? 255 : 100,
);

let saved: { name: string; blob: Blob }[] = [];

beforeEach(() => {
  saved = [];
  FakeCanvas.made.length = 0;
  vi.stubGlobal("OffscreenCanvas", FakeCanvas);
  vi.stubGlobal("createImageBitmap", () => Promise.resolve(bitmapOf(SIZE, PIXELS)));
  const link = {
    href: "",
    download: "",
    click: () => {
      const last = saved.at(-1);
      if (last !== undefined) last.name = link.download;
    },
  };
  vi.stubGlobal("document", { createElement: () => link });
  vi.spyOn(URL, "createObjectURL").mockImplementation((blob) => {
    saved.push({ name: "", blob: blob as Blob });
    return "";
  });
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

interface Made {
  readonly store: Store;
  readonly run: (all: boolean, format?: ExportFormat) => Promise<void>;
  readonly jobs: Jobs;
  readonly maker: StepMaker;
  /** Steps that the worker was told to forget. */
  readonly forgotten: number[];
  /** What happens while the first mask is lent to the worker. */
  readonly lent: { first: (() => Promise<void>) | null };
}

/** Pictures with these masks, the last one open, and what writes them; the files of some are gone, the first mask of `lost`. */
function bench(pictures: Record<string, readonly Raster[]>, gone: readonly string[] = [], lost = ""): Made {
  const store = createStore();
  for (const [name, masks] of Object.entries(pictures)) {
    store.dispatch({ type: "picture/open", name, bytes: 1 });
    const epoch = store.get().picture?.epoch ?? -1;
    store.dispatch({ type: "picture/update", epoch, change: { size: SIZE, phase: "ready" } });
    store.dispatch({ type: "workspace/entry", id: epoch, change: { size: SIZE } });
    const objects = masks.map((mask) => ({ name: "", label: "", rle: rasterToRle(mask) }));
    store.dispatch({ type: "workspace/import", id: epoch, objects });
  }
  const service = new DecodeService(null, () => undefined);
  const [forgotten, lent]: [number[], Made["lent"]] = [[], { first: null }];
  const call = async (task: Task): Promise<unknown> => {
    const { first } = lent;
    lent.first = null;
    if (task.kind === "adopt") await first?.();
    if (task.kind === "forget") forgotten.push(...task.steps);
    return service.handle(task);
  };
  const engine = { call } as unknown as EngineKeeper;
  const nameOf = (id: number): string => store.get().workspace.entries.find((entry) => entry.id === id)?.name ?? "";
  const files = {
    put: () => undefined,
    get: (id: number) => Promise.resolve(gone.includes(nameOf(id)) ? null : new Blob(["x"])),
  };
  const shelf = {
    keep: () => undefined,
    recall: (picture: number, step: number) => {
      const document = documentsOf(store.get())[picture];
      const edit = document?.steps[step]?.edit;
      if (nameOf(picture) === lost && document?.history.present.objects[0]?.step === step) return Promise.resolve(null);
      return Promise.resolve(edit?.kind === "set" ? { raster: rleToRaster(edit.rle) } : null);
    },
    settled: () => Promise.resolve(true),
    forget: () => undefined,
  };
  const maker = new StepMaker(store, engine, null as unknown as ServerDecoder, shelf, null as unknown as ClickModel);
  const jobs = new Jobs(store);
  const exporter = new Exporter(store, engine, files, shelf, maker, jobs);
  const run: Made["run"] = (all, format = "cutout") => exporter.run(format, all);
  return { store, run, jobs, maker, forgotten, lent };
}

const told = ({ store }: { store: Store }): string[] =>
  store.get().notices.map(({ code, detail }) => `${code} ${detail}`);

it("a cut-out of a transparent picture is on white, as the page shows it, and no canvas is left in memory", async () => {
  await bench({ "a.png": [MASK] }).run(false);
  expect(saved.map(({ name }) => name)).toEqual(["a-cutout.png"]);
  const pixels = new Uint8ClampedArray((await saved[0]?.blob.arrayBuffer()) ?? []);
  const row = Array.from({ length: 5 }, (_, x) => [...pixels.slice((2 * 5 + x) * 4, (2 * 5 + x) * 4 + 4)]);
  expect(row.slice(1, 4)).toEqual([
    [100, 100, 100, 255],
    [255, 255, 255, 255],
    [100, 100, 100, 255],
  ]);
  expect(FakeCanvas.made.map(({ width, height }) => [width, height])).toEqual([
    [0, 0],
    [0, 0],
  ]);
});

it("parts and small pictures leave no canvas in memory either", async () => {
  await cropOf(new Blob(["x"]), { x: 1, y: 1, width: 2, height: 2 });
  await thumbnailOf(new Blob(["x"]));
  expect(FakeCanvas.made.length).toBe(3);
  expect(FakeCanvas.made.filter(({ width, height }) => width + height > 0)).toEqual([]);
});

it("cut-outs of all pictures leave out empty objects, and pictures of nothing else, and say how many", async () => {
  const empty = emptyRaster(SIZE);
  const made = bench({ "a.png": [MASK], "b.png": [empty, empty], "c.png": [empty, MASK] });
  await made.run(true);
  expect(saved.map(({ name }) => name)).toEqual(["segserve-cutout.zip"]);
  expect(told(made)).toEqual(["empty_left_out 3"]);
  const one = bench({ "b.png": [empty] });
  await one.run(false);
  expect([saved.length, told(one)]).toEqual([1, ["empty_left_out 1"]]);
});

it("a cut-out whose picture is gone from storage is left out and told, and is no black and white mask", async () => {
  const made = bench({ "a.png": [MASK], "b.png": [MASK, MASK] }, ["b.png"]);
  await made.run(true);
  expect(saved.map(({ name }) => name)).toEqual(["a-cutout.png"]);
  expect(told(made)).toEqual(["picture_gone 2"]);
  const one = bench({ "b.png": [MASK] }, ["b.png"]);
  await one.run(false);
  expect([saved.length, told(one)]).toEqual([1, ["picture_gone 1"]]);
});

it.each([
  [["a.png", "b/a.png", "a.png"], "a-2-cutout.png"],
  [["a.png", "a.jpg"], "a-2-cutout.png"],
])("a picture that is downloaded alone is called as among its namesakes: %s", async (names, file) => {
  const made = bench({});
  for (const name of names) {
    made.store.dispatch({ type: "picture/open", name, bytes: 1 });
    const epoch = made.store.get().picture?.epoch ?? -1;
    made.store.dispatch({ type: "workspace/entry", id: epoch, change: { size: SIZE } });
    made.store.dispatch({
      type: "workspace/import",
      id: epoch,
      objects: [{ name: "", label: "", rle: rasterToRle(MASK) }],
    });
  }
  await made.run(false);
  expect(saved.map(({ name }) => name)).toEqual([file]);
});

it("a picture that is opened while its masks are lent to the worker keeps them there", async () => {
  const { store, run, maker, forgotten, lent } = bench({ "a.png": [MASK], "b.png": [MASK], "c.png": [] });
  const [first, second] = store.get().workspace.entries.map(({ id }) => ({
    id,
    step: documentsOf(store.get())[id]?.history.present.objects[0]?.step ?? -1,
  }));
  lent.first = async () => {
    store.dispatch({ type: "workspace/show", id: first?.id ?? -1 });
    await maker.hold(first?.id ?? -1, first?.step ?? -1);
  };
  await run(true);
  expect(new Set(forgotten)).toEqual(new Set([second?.step]));
});

it("all pictures are written as work that is seen going on, and the page does other things meanwhile", async () => {
  const { store, run } = bench({ "a.png": [MASK], "b.png": [MASK], "c.png": [] });
  const parts: (number | null)[] = [];
  store.listen((state, before) => state.job !== before.job && parts.push(state.job?.part ?? null));
  let idle = false;
  setImmediate(() => (idle = true));
  await run(true, "svg");
  expect([saved.map(({ name }) => name), idle]).toEqual([["segserve-svg.zip"], true]);
  expect(parts).toEqual([0, ...[0, 1, 2, 3, 4, 5].map((i) => i / 6), null]);
  parts.length = 0;
  await run(false, "svg");
  expect(parts).toEqual([]);
});

it("all pictures that wait for other work are written as they are when their turn comes", async () => {
  const { store, run, jobs } = bench({ "a.png": [MASK], "b.png": [MASK] });
  let release = (): void => undefined;
  void jobs.run("pages", () => new Promise<void>((resolve) => (release = resolve)));
  const exporting = run(true, "coco");
  await new Promise((resolve) => setTimeout(resolve, 5));
  const [first] = store.get().workspace.entries;
  const objects = [{ name: "", label: "late", rle: rasterToRle(MASK) }];
  store.dispatch({ type: "workspace/import", id: first?.id ?? -1, objects });
  release();
  await exporting;
  const { annotations } = JSON.parse((await saved[0]?.blob.text()) ?? "") as { annotations: object[] };
  expect(annotations).toHaveLength(3);
});

it.each(["geojson", "mask"] as const)(
  "the download of all pictures as %s is stopped, without a file or a word",
  async (format) => {
    const { store, run, jobs } = bench({ "a.png": [MASK], "b.png": [MASK], "c.png": [MASK] });
    store.listen((state) => (state.job?.part ?? 0) > 0.6 && jobs.stop());
    await run(true, format);
    expect([saved, store.get().notices, store.get().job]).toEqual([[], [], null]);
  },
);

it("a mask of a closed picture that is lost is left out and told; the others are written", async () => {
  const made = bench({ "a.png": [MASK, MASK], "b.png": [MASK] }, [], "a.png");
  await made.run(true, "coco");
  const { annotations } = JSON.parse((await saved[0]?.blob.text()) ?? "") as { annotations: object[] };
  expect([annotations.length, told(made)]).toEqual([2, ["export_waiting 1"]]);
  const only = bench({ "a.png": [MASK], "b.png": [] }, [], "a.png");
  await only.run(true, "mask");
  expect([saved.length, told(only)]).toEqual([1, ["export_waiting 1"]]);
});
