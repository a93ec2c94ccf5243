import { strToU8 } from "fflate";
import { describe, expect, it, vi } from "vitest";

import { MemoryStore } from "../src/storage/memory";
import { StorageError } from "../src/storage/port";
import { writeWorkspace } from "../src/storage/workspace-export";
import { LIMITS } from "../src/storage/workspace-format";
import { isWorkspaceFile, readWorkspace } from "../src/storage/workspace-import";
import {
  SmallReader,
  picture,
  payload,
  sourceOf,
  filled,
  fileFrom,
  read,
  isEmpty,
  inflated,
  zipOf,
  manifestOf,
} from "./workspace-files";

describe("a workspace file", () => {
  it("is a plain ZIP, its names fit for every system and its pictures stored", async () => {
    const file = await fileFrom(filled());
    const entries = await inflated(file);
    expect(Object.keys(entries)).toEqual([
      "pictures/2-.._a_b_c_.jpg",
      "pictures/1-1.jpg",
      "documents/1.json",
      "results/1.bin",
      "workspace.json",
    ]);
    expect(new TextDecoder().decode(entries["pictures/1-1.jpg"])).toBe("one");
    expect(await file.text()).toContain("one");
    expect(await isWorkspaceFile(file)).toBe(true);
    expect(await isWorkspaceFile(zipOf({ "cat.jpg": strToU8("cat") }))).toBe(false);
    expect(await isWorkspaceFile(new Blob(["no ZIP"]))).toBe(false);
  });

  it("gives back elsewhere, under ids of their own, what was written here", async () => {
    const store = new MemoryStore();
    const reader = new SmallReader();
    const imported = await readWorkspace(await fileFrom(filled()), store, reader);
    expect(imported).toEqual({
      pictures: [
        { ...picture(12, "../a/b:c?.jpg"), imageId: null },
        { ...picture(11, "1.jpg"), imageId: null },
      ],
      documents: new Map([[11, { step: 14, name: "mug" }]]),
      extra: { labels: ["cup"] },
      skipped: [],
    });
    expect(reader.reserved).toBe(5);
    expect([await (await store.loadFile(11))?.text(), (await store.loadFile(11))?.type]).toEqual(["one", "image/jpeg"]);
    expect((await store.loadFile(12))?.type).toBe("");
    expect(await store.loadDocuments()).toEqual([{ picture: 11, document: { step: 14, name: "mug" } }]);
    expect(await store.loadResult(13)).toEqual({ step: 13, picture: 11, payload: payload(null) });
    expect(await store.loadResult(14)).toEqual({ step: 14, picture: 11, payload: payload(13) });
  });

  it("that another program packed again is read as well", async () => {
    const entries = await inflated(await fileFrom(filled()));
    const store = new MemoryStore();
    const file = zipOf({ ...entries, "__MACOSX/x": strToU8("x"), "pictures/": new Uint8Array() }, 6);
    expect((await read(file, store)).pictures).toHaveLength(2);
    expect(await (await store.loadFile(11))?.text()).toBe("one");
  });

  it("holds 500 pictures", async () => {
    const ids = Array.from({ length: 500 }, (_, at) => at + 1);
    const index = { pictures: ids.map((id) => picture(id)), active: null, nextId: 2000, extra: null };
    const files = new Map(ids.map((id) => [id, new Blob([`file ${id} `.repeat(500)])] as const));
    const documents = new Map(ids.map((id) => [id, { step: 1000 + id, name: "a" }] as const));
    const source = sourceOf(index, files, documents);
    for (const id of ids) source.results.set(1000 + id, { step: 1000 + id, picture: id, payload: payload(null) });
    const progress = vi.fn();
    const file = await new Response(writeWorkspace(source, { progress })).blob();
    expect(progress).toHaveBeenLastCalledWith(1);
    const target = new MemoryStore();
    expect((await read(file, target)).pictures).toHaveLength(500);
    expect(await (await target.loadFile(510))?.text()).toBe("file 500 ".repeat(500));
    expect(await target.loadResult(1510)).toMatchObject({ picture: 510 });
  });

  it("leaves out pictures that are damaged, one by one, and says which", async () => {
    const listed = (id: number, fields: object = {}): object => ({
      ...picture(id),
      file: `pictures/${id}`,
      type: "",
      ...fields,
    });
    const pictures = [
      listed(1),
      listed(2, { bytes: -1 }),
      "no",
      listed(1, { name: "again" }),
      listed(3),
      listed(4),
      listed(5, { file: "documents/5" }),
      listed(6),
      listed(2 ** 41),
    ];
    const entries = {
      "pictures/1": strToU8("one"),
      "pictures/4": strToU8("four"),
      "pictures/6": strToU8("six"),
      "documents/4.json": strToU8("{}"),
      "documents/6.json": strToU8('{"step":-3}'),
      "workspace.json": manifestOf({ pictures }),
    };
    const imported = await read(zipOf(entries));
    expect(imported.pictures.map(({ id }) => id)).toEqual([11]);
    expect(imported.skipped.map(({ name, reason }) => `${name}: ${reason}`)).toEqual([
      "2.jpg: record",
      ": record",
      "again: twice",
      "5.jpg: file",
      "2199023255552.jpg: id",
      "3.jpg: file missing",
      "4.jpg: document: Error: no document",
      "6.jpg: document: TypeError: -3 is no id.",
    ]);
  });

  it("says which pictures have no file, and throws when one cannot be read", async () => {
    const source = filled();
    source.files.delete(1);
    const missing = vi.fn();
    await new Response(writeWorkspace(source, { missing })).blob();
    expect(missing.mock.calls).toEqual([["1.jpg"]]);
    const broken = { ...source, loadFile: () => Promise.reject(new StorageError("broken", "gone")) };
    await expect(new Response(writeWorkspace(broken)).blob()).rejects.toThrow();
  });

  it("says whose undo is cut, and ends where it would hold a document that is too large to be read again", async () => {
    const source = filled();
    const json = [strToU8('{"step":3,"name":"mug"}')];
    const shortened = vi.fn();
    const cut = { ...source, documentOf: () => ({ json, cut: 7, steps: [] }) };
    await new Response(writeWorkspace(cut, { shortened })).blob();
    expect(shortened.mock.calls).toEqual([["../a/b:c?.jpg"], ["1.jpg"]]);
    const piece = new Uint8Array(LIMITS.document / 4);
    const documentOf = vi.fn(() => ({ json: [piece, piece, piece, piece, json[0] ?? piece], cut: 0, steps: [] }));
    const stream = writeWorkspace({ ...source, documentOf });
    await expect(new Response(stream).blob()).rejects.toMatchObject({ code: "too_large" });
    expect(documentOf).toHaveBeenCalledWith(2, LIMITS.document);
  });

  it("keeps a picture whose long name would be cut through a character", async () => {
    const name = `${"x".repeat(10)}\u{1F600}${"y".repeat(119)}`;
    const index = { pictures: [picture(1, name)], active: null, nextId: 2, extra: null };
    const source = sourceOf(index, new Map([[1, new Blob(["one"])]]), new Map());
    const { pictures, skipped } = await read(await fileFrom(source));
    expect([pictures.map((one) => one.name), skipped]).toEqual([[name], []]);
  });

  it("is not written when the person gives up, and not read", async () => {
    const signal = AbortSignal.abort();
    await expect(new Response(writeWorkspace(filled(), { signal })).blob()).rejects.toThrow();
    const target = new MemoryStore();
    const file = await fileFrom(filled());
    await expect(readWorkspace(file, target, new SmallReader(), { signal })).rejects.toThrow();
    expect(await isEmpty(target)).toBe(true);
  });

  it("leaves the store as it was when there is no room for it", async () => {
    const store = new MemoryStore();
    const save = vi.spyOn(store, "save");
    save.mockImplementationOnce((changes) => MemoryStore.prototype.save.call(store, changes));
    save.mockRejectedValueOnce(new StorageError("quota", "full"));
    await expect(read(await fileFrom(filled()), store)).rejects.toMatchObject({ code: "quota" });
    expect(await isEmpty(store)).toBe(true);
    expect(await store.loadResult(14)).toBeNull();
  });
});
