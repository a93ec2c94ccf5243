import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { Keeper } from "../src/app/effects/keeper";
import { docOf, draftOf } from "../src/app/selectors";
import type { Store } from "../src/app/store";
import { createStore } from "../src/app/store";
import { documentsOf } from "../src/app/workspace";
import type { StepResult } from "../src/decode/protocol";
import { imagePoint } from "../src/geometry/frames";
import { rasterToRle } from "../src/geometry/raster";
import { place } from "../src/geometry/resize";
import { strokeRaster } from "../src/geometry/strokes";
import { MemoryStore } from "../src/storage/memory";
import { StorageError } from "../src/storage/port";

beforeEach(() => {
  vi.stubGlobal("document", new EventTarget());
  vi.stubGlobal("addEventListener", () => undefined);
});
afterEach(() => vi.unstubAllGlobals());

const SIZE = { width: 20, height: 10 };
const RASTER = strokeRaster(SIZE, { path: [imagePoint(5, 5)], radius: 3 });

/** A page over what is kept: its state, and what writes it down. */
async function page(shelf: MemoryStore): Promise<{ store: Store; keeper: Keeper }> {
  const store = createStore();
  const keeper = new Keeper(store, Promise.resolve(shelf));
  await keeper.restore();
  return { store, keeper };
}

function click(store: Store): number {
  store.dispatch({ type: "point/add", at: imagePoint(5, 5), label: 1 });
  return draftOf(store.get()).step ?? -1;
}

function open(store: Store, name: string): number {
  store.dispatch({ type: "picture/open", name, bytes: 1 });
  const epoch = store.get().picture?.epoch ?? -1;
  store.dispatch({ type: "picture/update", epoch, change: { size: SIZE } });
  return epoch;
}

describe("what is kept", () => {
  it("comes back, and no id is given to something else after it", async () => {
    const shelf = new MemoryStore();
    const first = await page(shelf);
    const picture = open(first.store, "a.jpg");
    await first.keeper.flush();
    const steps = [click(first.store), click(first.store)]; // the workspace itself does not change any more
    const placement = place(SIZE, 4, "square");
    const masks = [Float32Array.of(1.5, -2, 0.25, 7)];
    const common = { revision: "r", threshold: 0, candidates: [{ index: 0, iou: 0.5 }], ms: 3, fedBack: null };
    const decoded: StepResult = { ...common, placement, masks, width: 2, height: 2 };
    first.keeper.results.keep(picture, steps[0] ?? -1, decoded);
    first.keeper.results.keep(picture, steps[1] ?? -1, { raster: RASTER });
    expect(await first.keeper.flush()).toBe(true);

    const second = await page(shelf);
    second.store.dispatch({ type: "workspace/show", id: picture });
    expect(docOf(second.store.get())).toEqual(docOf(first.store.get()));
    expect(await second.keeper.results.recall(picture, steps[0] ?? -1)).toEqual({ ...decoded, ms: 0 });
    expect(await second.keeper.results.recall(picture, steps[1] ?? -1)).toEqual({ raster: RASTER });
    expect(steps).not.toContain(click(second.store));
    second.store.dispatch({ type: "history/undo" });
    expect(docOf(second.store.get())).toEqual(docOf(first.store.get()));
  });

  it("holds what was imported into a picture that is not open", async () => {
    const shelf = new MemoryStore();
    const { store, keeper } = await page(shelf);
    const closed = open(store, "a.jpg");
    open(store, "b.jpg");
    await keeper.flush();
    const objects = [{ name: "", label: "cat", rle: rasterToRle(RASTER) }];
    store.dispatch({ type: "workspace/import", id: closed, objects });
    await keeper.flush();
    const again = await page(shelf);
    const document = documentsOf(again.store.get())[closed];
    expect(document?.history.present.objects.map(({ label }) => label)).toEqual(["cat"]);
    expect(again.store.get().workspace.labels).toEqual([{ name: "cat", colour: 0 }]);
  });

  it("is left out piece by piece where it is damaged", async () => {
    const shelf = new MemoryStore();
    const { store, keeper } = await page(shelf);
    const [good, bad] = [open(store, "a.jpg"), open(store, "b.jpg")];
    click(store);
    await keeper.flush();
    const index = await shelf.load();
    if (index === null) throw new Error("nothing was kept");
    const documents = [{ picture: bad, document: { history: { past: [], present: {}, future: [] } } }];
    await shelf.save({ index: { ...index, extra: { labels: "none" } }, documents, results: [], forgotten: [] });
    const again = await page(shelf);
    const { workspace, notices } = again.store.get();
    expect(notices).toMatchObject([{ code: "storage_damaged", detail: "1" }]);
    expect(workspace.entries.map(({ id }) => id)).toEqual([good, bad]);
    expect(Object.keys(workspace.parked)).toEqual([`${good}`]);
    for (const id of [bad, good]) again.store.dispatch({ type: "workspace/show", id });
    await again.keeper.flush();
    expect(await shelf.loadDocuments()).toContainEqual(documents[0]); // looked at alone, it is not written over
    again.store.dispatch({ type: "workspace/show", id: bad });
    again.store.dispatch({ type: "picture/update", epoch: bad, change: { size: SIZE } });
    click(again.store);
    await again.keeper.flush();
    expect(await shelf.loadDocuments()).not.toContainEqual(documents[0]);
    expect(workspace.labels).toEqual([]);
  });

  it("is written when the page is left, whatever is being written at that moment", async () => {
    const leaving: (() => void)[] = [];
    vi.stubGlobal("addEventListener", (type: string, leave: () => void) => {
      if (type === "pagehide") leaving.push(leave);
    });
    const shelf = new MemoryStore();
    const { store, keeper } = await page(shelf);
    const picture = open(store, "a.jpg");
    const save = vi.spyOn(shelf, "save").mockReturnValueOnce(new Promise(() => undefined));
    void keeper.flush();
    await vi.waitFor(() => expect(save).toHaveBeenCalledTimes(1));
    click(store);
    for (const leave of leaving) leave();
    await vi.waitFor(() => expect(save).toHaveBeenCalledTimes(2));
    const again = await page(shelf);
    again.store.dispatch({ type: "workspace/show", id: picture });
    expect(docOf(again.store.get())).toEqual(docOf(store.get()));
  });

  it("keeps the page from being left while pictures' files are being stored, and only then", async () => {
    const page = new EventTarget();
    vi.stubGlobal("addEventListener", page.addEventListener.bind(page));
    const isFree = (): boolean => page.dispatchEvent(new Event("beforeunload", { cancelable: true }));
    const shelf = new MemoryStore();
    const keeper = new Keeper(createStore(), Promise.resolve(shelf));
    await keeper.restore();
    expect(isFree()).toBe(true);
    for (const [id, file] of [new File(["a"], "a.jpg"), new File(["b"], "b.jpg")].entries()) {
      if (id === 1) vi.spyOn(shelf, "saveFile").mockRejectedValueOnce(new StorageError("quota", "full"));
      keeper.files.put(id, file);
      expect(isFree()).toBe(false);
      await vi.waitFor(() => expect(isFree()).toBe(true)); // what found no room is told of, and waits for nothing
    }
  });

  it("stays in memory, and says so, while it cannot be written", async () => {
    const shelf = new MemoryStore();
    const { store, keeper } = await page(shelf);
    const picture = open(store, "a.jpg");
    const step = click(store);
    keeper.results.keep(picture, step, { raster: RASTER });
    const save = vi.spyOn(shelf, "save").mockRejectedValueOnce(new Error("no"));
    expect(await keeper.flush()).toBe(false);
    expect(store.get().notices).toMatchObject([{ code: "storage_broken" }]);
    expect(await keeper.results.recall(picture, step)).toEqual({ raster: RASTER });
    save.mockRestore();
    expect(await keeper.flush()).toBe(true);
    expect(store.get().notices).toEqual([]); // they would outlive their cause
    expect((await shelf.loadDocuments()).map((kept) => kept.picture)).toEqual([picture]);
    expect(await shelf.loadResult(step)).not.toBeNull();
  });

  it("is short of a picture's file, and says so, whatever else is written, until the picture is removed", async () => {
    const shelf = new MemoryStore();
    const { store, keeper } = await page(shelf);
    const codes = (): string[] => store.get().notices.map(({ code }) => code);
    vi.spyOn(shelf, "saveFile").mockRejectedValueOnce(new StorageError("quota", "full"));
    const picture = open(store, "a.jpg");
    keeper.files.put(picture, new File(["a"], "a.jpg"));
    await vi.waitFor(() => expect(codes()).toEqual(["storage_quota"]));
    await keeper.flush();
    expect(codes()).toEqual(["storage_quota"]);
    store.dispatch({ type: "workspace/remove", id: picture });
    keeper.removePicture(picture);
    await keeper.flush();
    expect(codes()).toEqual([]);
  });

  it("goes to another tab whole; what could not be written stays, and the page says so", async () => {
    const shelf = new MemoryStore();
    const close = vi.spyOn(shelf, "close");
    const { store, keeper } = await page(shelf);
    open(store, "a.jpg");
    click(store);
    await keeper.yield(false);
    expect([store.get().workspace.place, store.get().workspace.kept]).toEqual(["yielded", true]);
    expect(close).toHaveBeenCalledOnce();
    const before = docOf(store.get());
    click(store);
    expect(docOf(store.get())).toBe(before); // nothing is done here that would be lost

    const full = new MemoryStore();
    vi.spyOn(full, "save").mockRejectedValue(new StorageError("quota", "full"));
    const stays = vi.spyOn(full, "close");
    const second = await page(full);
    open(second.store, "b.jpg");
    click(second.store);
    await second.keeper.yield(false);
    expect(second.store.get().workspace.kept).toBe(false);
    expect(stays).not.toHaveBeenCalled();

    const taken = new MemoryStore();
    const save = vi.spyOn(taken, "save");
    const third = await page(taken);
    open(third.store, "c.jpg");
    await third.keeper.yield(true); // another tab writes there already
    expect([save.mock.calls.length, third.store.get().workspace.kept]).toEqual([0, false]);

    const whole = await page(new MemoryStore());
    open(whole.store, "d.jpg");
    await whole.keeper.flush();
    await whole.keeper.yield(true);
    expect(whole.store.get().workspace.kept).toBe(true);

    const robbed = await page(taken);
    open(robbed.store, "d.jpg");
    save.mockImplementationOnce(() => {
      void robbed.keeper.flush(); // what waits behind it
      void robbed.keeper.yield(true); // as the storage says while it writes
      return Promise.reject(new StorageError("taken", "gone"));
    });
    expect(await robbed.keeper.flush()).toBe(false);
    await robbed.keeper.flush();
    const { workspace, notices } = robbed.store.get();
    expect([workspace.place, workspace.kept, notices]).toEqual(["yielded", false, []]);
    expect(save).toHaveBeenCalledOnce();
  });
});

describe("the browser's quota", () => {
  it("is warned of before it is reached, once for every twentieth", async () => {
    const shelf = new MemoryStore();
    const { store, keeper } = await page(shelf);
    const estimate = vi.spyOn(shelf, "estimate");
    const warned = async (usage: number): Promise<string[]> => {
      estimate.mockResolvedValue({ usage, quota: 1000 } as never);
      click(store);
      await keeper.flush();
      const told = store.get().notices.map(({ code, detail }) => `${code} ${detail}`);
      store.get().notices.forEach(({ code }) => store.dispatch({ type: "notice/clear", code })); // read, and put away
      return told;
    };
    open(store, "a.jpg");
    expect(await warned(790)).toEqual([]);
    expect(await warned(810)).toEqual(["storage_nearly_full 81"]);
    expect(await warned(830)).toEqual([]);
    expect(await warned(880)).toEqual(["storage_nearly_full 88"]);
    expect([await warned(845), await warned(855)]).toEqual([[], []]); // swings about a step
    expect(await warned(500)).toEqual([]);
    expect(await warned(900)).toEqual(["storage_nearly_full 90"]);
  });

  it("is compared with what is about to be opened", async () => {
    const shelf = new MemoryStore();
    const { store, keeper } = await page(shelf);
    vi.spyOn(shelf, "estimate").mockResolvedValue({ usage: 40e6, quota: 100e6 } as never);
    keeper.expect(60e6);
    keeper.expect(61e6);
    await vi.waitFor(() => expect(store.get().notices).toHaveLength(1));
    expect(store.get().notices).toMatchObject([{ code: "storage_short", detail: "61 MB > 60 MB", tone: "warning" }]);
  });

  it("is asked to be kept when there is something to lose", async () => {
    const shelf = Object.assign(new MemoryStore(), { fleeting: null });
    const { store } = await page(shelf);
    const persist = vi.spyOn(shelf, "persist");
    open(store, "a.jpg");
    click(store);
    store.dispatch({ type: "draft/accept" });
    store.dispatch({ type: "draft/accept" });
    await vi.waitFor(() => expect(persist).toHaveBeenCalled());
    expect(persist).toHaveBeenCalledOnce();
  });

  it("that is not to be had, or holds what cannot be read, is told of", async () => {
    const codes = ({ store }: { store: Store }): string[] => store.get().notices.map(({ code }) => code);
    const unavailable = await page(new MemoryStore());
    expect(codes(unavailable)).toEqual([]);
    open(unavailable.store, "a.jpg");
    click(unavailable.store);
    unavailable.store.dispatch({ type: "draft/accept" });
    await vi.waitFor(() => expect(codes(unavailable)).toEqual(["storage_broken"]));
    const unreadable = await page(new MemoryStore("unreadable"));
    expect(unreadable.store.get().notices).toMatchObject([{ code: "storage_unreadable", action: "reload" }]);
    open(unreadable.store, "b.jpg");
    expect(codes(unreadable)).toEqual(["storage_unreadable"]); // it is of all pictures
    unreadable.store.dispatch({ type: "notice/clear", code: "storage_unreadable" }); // read, and put away
    click(unreadable.store);
    unreadable.store.dispatch({ type: "draft/accept" });
    await vi.waitFor(() => expect(codes(unreadable)).toEqual(["storage_unreadable"]));
    expect(unreadable.store.get().notices).toMatchObject([{ tone: "error", action: null }]); // a reload would lose it
  });
});
