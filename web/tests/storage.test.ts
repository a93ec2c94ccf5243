import "fake-indexeddb/auto";

import { openDB } from "idb";
import { beforeAll, describe, expect, it, vi } from "vitest";

import { openWorkspaceStore } from "../src/storage";
import { MemoryStore } from "../src/storage/memory";
import type { Changes, WorkspaceIndex, WorkspaceStore } from "../src/storage/port";

// No other tab is waited for: see claim.test.ts. Newer Node has locks of its own.
beforeAll(() => {
  vi.stubGlobal("navigator", {});
  vi.stubGlobal("BroadcastChannel", undefined);
});

let names = 0;
const nextName = (): string => `test-${++names}`;

const index: WorkspaceIndex = {
  pictures: [{ id: 1, name: "cat.jpg", bytes: 3, width: 4, height: 2, imageId: null }],
  active: 1,
  nextId: 9,
  extra: { labels: [] },
};
const nothing: Changes = { index, documents: [], results: [], forgotten: [] };

const stores: Record<string, () => Promise<WorkspaceStore>> = {
  IndexedDB: () => openWorkspaceStore(undefined, nextName()),
  memory: () => Promise.resolve(new MemoryStore()),
};

describe.each(Object.entries(stores))("a workspace in %s", (_kind, open) => {
  it("comes back as it was saved", async () => {
    const store = await open();
    expect(await store.load()).toBeNull();
    const result = { step: 5, picture: 1, payload: { halves: [Uint16Array.of(1, 2)] } };
    await store.save({ index, documents: [{ picture: 1, document: { a: 1 } }], results: [result], forgotten: [] });
    expect(await store.load()).toEqual(index);
    expect(await store.loadDocuments()).toEqual([{ picture: 1, document: { a: 1 } }]);
    expect(await store.loadResult(5)).toEqual(result);
    expect(await store.loadResult(6)).toBeNull();
    await store.save({ ...nothing, forgotten: [5] });
    expect(await store.loadResult(5)).toBeNull();
  });

  it("is tidied of what no picture of the index has", async () => {
    const store = await open();
    for (const picture of [1, 2, 3]) await store.saveFile(picture, new Blob(["x"]));
    const documents = [1, 2].map((picture) => ({ picture, document: {} }));
    const results = [2, 3, 4].map((picture) => ({ step: picture + 3, picture, payload: {} }));
    await store.save({ index, documents, results });
    await store.tidy([1], 4);
    expect(await Promise.all([1, 2, 3].map(async (id) => (await store.loadFile(id)) !== null))).toEqual([
      true,
      false,
      false,
    ]);
    expect(await store.loadDocuments()).toEqual([{ picture: 1, document: {} }]);
    const left = await Promise.all([5, 6, 7].map((step) => store.loadResult(step)));
    expect(left).toEqual([null, null, results[2]]); // the last one's picture is new
  });

  it("lets a picture go with all that is its own", async () => {
    const store = await open();
    await store.saveFile(1, new Blob(["abc"]));
    await store.saveFile(2, new Blob(["d"]));
    const results = [1, 2].map((picture) => ({ step: picture + 10, picture, payload: null }));
    await store.save({
      ...nothing,
      documents: [
        { picture: 1, document: 1 },
        { picture: 2, document: 2 },
      ],
      results,
    });
    await store.removePicture(1);
    expect(await store.loadFile(1)).toBeNull();
    expect(await store.loadFile(2)).not.toBeNull();
    expect(await store.loadDocuments()).toEqual([{ picture: 2, document: 2 }]);
    expect(await store.loadResult(11)).toBeNull();
    expect(await store.loadResult(12)).not.toBeNull();
  });
});

describe("IndexedDB", () => {
  it("outlives the page", async () => {
    const name = nextName();
    const first = await openWorkspaceStore(undefined, name);
    await first.save({ ...nothing, index });
    await first.saveEmbedding("m/r/i", new ArrayBuffer(8));
    first.close();
    const second = await openWorkspaceStore(undefined, name);
    expect(second.fleeting).toBeNull();
    expect(await second.load()).toEqual(index);
    expect((await second.loadEmbedding("m/r/i"))?.byteLength).toBe(8);
    expect(await second.loadEmbedding("m/r/other")).toBeNull();
  });

  it("is written by the page alone that opened it last, and one that has lost it hears so at its next write", async () => {
    const name = nextName();
    const asked = vi.fn();
    const first = await openWorkspaceStore(asked, name);
    const documents = [{ picture: 1, document: "first" }];
    await first.saveFile(1, new Blob(["x"]));
    await first.save({ index, documents });
    const second = await openWorkspaceStore(asked, name);
    expect(asked).not.toHaveBeenCalled();
    const taken = { code: "taken" };
    await expect(first.save({ index: { ...index, nextId: 99 }, documents: [], forgotten: [1] })).rejects.toMatchObject(
      taken,
    );
    await expect(first.saveFile(2, new Blob(["x"]))).rejects.toMatchObject(taken);
    await expect(first.removePicture(1)).rejects.toMatchObject(taken);
    expect(asked.mock.calls).toEqual([[true], [true], [true]]);
    expect([await second.load(), await second.loadDocuments()]).toEqual([index, documents]);
    expect([await second.loadFile(1), await second.loadFile(2)]).toEqual([expect.anything(), null]);
    await second.save({ documents: [{ picture: 1, document: "second" }] });
    await second.saveFile(2, new Blob(["x"]));
    await openWorkspaceStore(undefined, name);
    for (const lost of [first, second]) await expect(lost.save({})).rejects.toMatchObject(taken); // the first one still
    expect((await second.loadDocuments())[0]?.document).toBe("second");
  });

  it("leaves out a damaged record, and a workspace that is none is none that may be written over", async () => {
    const store = await openWorkspaceStore(undefined, nextName());
    const damaged = { ...index, pictures: [{ id: "1" }, ...index.pictures], active: -1 } as unknown as WorkspaceIndex;
    await store.save({ ...nothing, index: damaged });
    expect(await store.load()).toEqual({ ...index, active: null });
    for (const wrong of [{ ...index, pictures: 7 }, { ...index, nextId: NaN }, 7]) {
      await store.save({ ...nothing, index: wrong as unknown as WorkspaceIndex });
      await expect(store.load()).rejects.toThrow("is none");
    }
  });

  it("is left alone where it cannot be read, and one document that cannot keeps no other back", async () => {
    const name = nextName();
    const first = await openWorkspaceStore(undefined, name);
    const documents = [1, 2].map((picture) => ({ picture, document: { picture } }));
    await first.save({ ...nothing, documents });
    first.close();
    const { get } = IDBObjectStore.prototype; // eslint-disable-line @typescript-eslint/unbound-method
    let broken: string | number = "index";
    const reading = vi.spyOn(IDBObjectStore.prototype, "get").mockImplementation(function (this: IDBObjectStore, key) {
      if (key === broken) throw new DOMException("large value", "DataError");
      return get.call(this, key);
    });
    const readingAll = vi.spyOn(IDBObjectStore.prototype, "getAll").mockImplementation(() => {
      throw new DOMException("large value", "DataError");
    });
    const second = await openWorkspaceStore(undefined, name);
    expect(second.fleeting).toBe("unreadable");
    await second.save({ index: { ...index, pictures: [] } });
    broken = 1;
    const third = await openWorkspaceStore(undefined, name);
    expect(await third.load()).toEqual(index);
    expect(await third.loadDocuments()).toEqual([{ picture: 1, document: undefined }, documents[1]]);
    reading.mockRestore();
    readingAll.mockRestore();
    expect(await third.loadDocuments()).toEqual(documents);
  });

  it("gives the embeddings' room to work that does not fit any more", async () => {
    const name = nextName();
    const store = await openWorkspaceStore(undefined, name);
    await store.saveEmbedding("m/r/i", new ArrayBuffer(8));
    const put = vi.spyOn(IDBObjectStore.prototype, "put");
    put.mockImplementationOnce(() => {
      throw new DOMException("full", "QuotaExceededError");
    });
    await store.save(nothing);
    put.mockRestore();
    expect(await store.load()).toEqual(index);
    expect(await store.loadEmbedding("m/r/i")).toBeNull();
  });

  it("lets the oldest embeddings go for new ones, and reads none of them", async () => {
    const name = nextName();
    const bytes = new ArrayBuffer(1024);
    Object.defineProperty(bytes, "byteLength", { value: 60 * 1024 * 1024 }); // as large as it says
    const store = await openWorkspaceStore(undefined, name);
    const keys = async (): Promise<string[]> => {
      const db = await openDB(name);
      const all = await db.getAllKeys("embeddings");
      db.close();
      return all.map(String);
    };
    const modes: IDBTransactionMode[] = [];
    const { openCursor } = IDBIndex.prototype; // eslint-disable-line @typescript-eslint/unbound-method
    const cursor = vi.spyOn(IDBIndex.prototype, "openCursor").mockImplementation(function (this: IDBIndex, ...how) {
      modes.push(this.objectStore.transaction.mode);
      expect([...this.objectStore.transaction.objectStoreNames]).toEqual(["embeddings"]);
      return openCursor.apply(this, how);
    });
    for (const key of ["c", "b", "a", "d", "b"]) await store.saveEmbedding(key, bytes);
    expect(await keys()).toEqual(["a", "b", "c", "d"]);
    await store.saveEmbedding("e", bytes);
    expect(await keys()).toEqual(["a", "b", "d", "e"]); // b was saved again
    expect(cursor).not.toHaveBeenCalled();
    const db = await openDB(name);
    await db.delete("workspace", "embeddings"); // as a page of before left it
    db.close();
    await store.saveEmbedding("f", bytes);
    expect(modes).toEqual(["readonly"]); // the work's own writes need not wait for it
    cursor.mockRestore();
    expect(await store.loadEmbedding("f")).not.toBeNull();
  });

  it("makes way for memory when a newer page's layout is there", async () => {
    const name = nextName();
    (await openDB(name, 99)).close();
    expect((await openWorkspaceStore(undefined, name)).fleeting).toBe("unavailable");
  });

  it("keeps all of one moment or nothing", async () => {
    const store = await openWorkspaceStore(undefined, nextName());
    const uncloneable = { picture: 1, document: () => 1 };
    const results = [{ step: 1, picture: 1, payload: null }];
    await expect(store.save({ ...nothing, results, documents: [uncloneable] })).rejects.toMatchObject({
      code: "broken",
    });
    expect(await store.loadResult(1)).toBeNull();
  });
});
