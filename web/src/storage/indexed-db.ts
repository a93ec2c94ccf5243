import type { DBSchema, IDBPDatabase, IDBPObjectStore } from "idb";
import { openDB } from "idb";

import type { Changes, StorageCode, StoredResult, WorkspaceIndex, WorkspaceStore } from "./port";
import { StorageError } from "./port";
import { indexFrom, isResult } from "./shapes";

const VERSION = 1;
const INDEX = "index";
/** Beside the index: key and size of each embedding, newest first, so that none is read to be counted. */
const SIZES = "embeddings";
/** Beside them: the number of the page that opened the workspace last, and a mark for each of those before it. */
const OWNER = "owner";
const MOST_GONE = 100;
const goneMark = (owner: number): string => `gone/${owner}`;
/** Embeddings beyond so many bytes make way, the oldest first. */
const MOST_EMBEDDING_BYTES = 256 * 1024 * 1024;

interface Schema extends DBSchema {
  workspace: { key: string; value: unknown };
  files: { key: number; value: Blob };
  documents: { key: number; value: unknown };
  results: { key: number; value: StoredResult; indexes: { picture: number } };
  embeddings: { key: string; value: { key: string; saved: number; bytes: ArrayBuffer }; indexes: { saved: number } };
}

type Sizes = readonly { readonly key: string; readonly size: number }[];
const sizesFrom = (value: unknown): Sizes => (value ?? []) as Sizes;

type Marks = IDBPObjectStore<Schema, ("workspace" | "documents" | "results" | "files")[], "workspace", "readwrite">;

/**
 * Whoever had it open before writes no more: `onTaken` is called when the page finds that it is one of those. Raises
 * StorageError `busy` while another page holds an older layout open, and `broken` where there is no IndexedDB.
 */
export async function openIndexedDb(name: string, release: () => void, onTaken: () => void): Promise<IndexedDbStore> {
  let blocked: () => void = () => undefined;
  const refused = new Promise<never>((_resolve, reject) => {
    blocked = () => reject(new StorageError("busy", "Another page holds an older version of this workspace open."));
  });
  const opened = openDB<Schema>(name, VERSION, {
    upgrade(db) {
      db.createObjectStore("workspace");
      db.createObjectStore("files");
      db.createObjectStore("documents");
      db.createObjectStore("results", { keyPath: "step" }).createIndex("picture", "picture");
      db.createObjectStore("embeddings", { keyPath: "key" }).createIndex("saved", "saved");
    },
    blocked: () => blocked(),
    blocking: (_present, _wanted, event) => (event.target as IDBDatabase).close(), // a newer page may upgrade
  });
  try {
    const db = await Promise.race([opened, refused]);
    return new IndexedDbStore(db, await ownIn(db), release, onTaken);
  } catch (error) {
    throw named(error);
  }
}

/** This page's number among the owners. */
async function ownIn(db: IDBPDatabase<Schema>): Promise<number> {
  let before = 0;
  try {
    const { store, done } = db.transaction("workspace", "readwrite");
    before = ((await store.get(OWNER)) ?? 0) as number;
    const own = before + 1;
    const marks = [store.put(true, goneMark(before)), store.delete(goneMark(before - MOST_GONE))];
    await Promise.all([store.put(own, OWNER), ...marks, done]);
    return own;
  } catch {
    return before; // there is no room: work that frees some is not refused
  }
}

export class IndexedDbStore implements WorkspaceStore {
  readonly fleeting = null;

  constructor(
    private readonly db: IDBPDatabase<Schema>,
    private readonly owner: number,
    private readonly release: () => void,
    private readonly onTaken: () => void,
  ) {}

  async load(): Promise<WorkspaceIndex | null> {
    const kept: unknown = await this.#try(() => this.db.get("workspace", INDEX));
    const index = indexFrom(kept);
    if (index === null && kept !== undefined) throw new StorageError("broken", "The kept workspace is none.");
    return index;
  }

  save({ index, documents = [], results = [], forgotten = [] }: Changes): Promise<void> {
    return this.#withRoom(async () => {
      const transaction = this.db.transaction(["workspace", "documents", "results"], "readwrite");
      const kept = transaction.objectStore("results");
      const written = transaction.objectStore("documents");
      const all = this.#guarded(transaction.objectStore("workspace"));
      try {
        for (const result of results) all.push(kept.put(result));
        for (const step of forgotten) all.push(kept.delete(step));
        for (const { picture, document } of documents) all.push(written.put(document, picture));
        if (index !== undefined) all.push(transaction.objectStore("workspace").put(index, INDEX));
        transaction.commit(); // a page that is being left is not asked again whether it wants more
      } catch (error) {
        abort(transaction); // what cannot be cloned throws at once, and the writes before it would stay
        await Promise.allSettled([...all, transaction.done]);
        throw error;
      }
      await ended(all, transaction.done);
    });
  }

  saveFile(picture: number, file: Blob): Promise<void> {
    return this.#withRoom(async () => {
      const transaction = this.db.transaction(["files", "workspace"], "readwrite");
      const guard = this.#guarded(transaction.objectStore("workspace"));
      await ended([...guard, transaction.objectStore("files").put(file, picture)], transaction.done);
    });
  }

  async loadFile(picture: number): Promise<Blob | null> {
    const kept = await this.#try(() => this.db.get("files", picture));
    return kept instanceof Blob ? kept : null;
  }

  loadDocuments(): ReturnType<WorkspaceStore["loadDocuments"]> {
    return this.#try(async () => {
      const pictures = await this.db.getAllKeys("documents");
      const all = await this.db.getAll("documents").catch(() => null);
      if (all?.length === pictures.length) return pictures.map((picture, i) => ({ picture, document: all[i] }));
      const read = (picture: number): Promise<unknown> => this.db.get("documents", picture).catch(() => undefined);
      return Promise.all(pictures.map(async (picture) => ({ picture, document: await read(picture) })));
    });
  }

  async loadResult(step: number): Promise<StoredResult | null> {
    const kept = await this.#try(() => this.db.get("results", step));
    return isResult(kept) ? kept : null;
  }

  saveEmbedding(key: string, bytes: ArrayBuffer): Promise<void> {
    return this.#try(async () => {
      const found = await this.#sizesAnew(); // before the transaction that keeps the work's own writes waiting
      const transaction = this.db.transaction(["embeddings", "workspace"], "readwrite");
      const kept = transaction.objectStore("embeddings");
      const listed = transaction.objectStore("workspace");
      const list = sizesFrom(await listed.get(SIZES));
      const sizes = list.length === (await kept.count()) ? list : found;
      const newestFirst = [{ key, size: bytes.byteLength }, ...sizes.filter((other) => other.key !== key)];
      let total = 0;
      const left = newestFirst.filter(({ size }, at) => (total += size) <= MOST_EMBEDDING_BYTES || at === 0);
      const gone = newestFirst.filter((one) => !left.includes(one));
      await Promise.all([
        kept.put({ key, saved: Date.now(), bytes }),
        ...gone.map((one) => kept.delete(one.key)),
        listed.put(left, SIZES),
        transaction.done,
      ]);
    });
  }

  /** Read from the embeddings themselves when they were cleared, or a page of before kept no list. */
  async #sizesAnew(): Promise<Sizes> {
    const list = sizesFrom(await this.db.get("workspace", SIZES));
    if (list.length === (await this.db.count("embeddings"))) return list;
    const sizes = [];
    let newest = await this.db.transaction("embeddings").store.index("saved").openCursor(null, "prev");
    for (; newest !== null; newest = await newest.continue()) {
      sizes.push({ key: newest.value.key, size: newest.value.bytes.byteLength });
    }
    return sizes;
  }

  async loadEmbedding(key: string): Promise<ArrayBuffer | null> {
    const kept = await this.#try(() => this.db.get("embeddings", key));
    return kept?.bytes ?? null;
  }

  removePicture(picture: number): Promise<void> {
    return this.#try(async () => {
      const transaction = this.db.transaction(["files", "documents", "results", "workspace"], "readwrite");
      const results = transaction.objectStore("results");
      const steps = await results.index("picture").getAllKeys(picture);
      const removals = [
        ...this.#guarded(transaction.objectStore("workspace")),
        transaction.objectStore("files").delete(picture),
        transaction.objectStore("documents").delete(picture),
        ...steps.map((step) => results.delete(step)),
      ];
      await ended(removals, transaction.done);
    });
  }

  async tidy(known: readonly number[], nextId: number): Promise<void> {
    const found = await this.#try(() =>
      Promise.all([this.db.getAllKeys("files"), this.db.getAllKeys("documents"), this.#picturesWithResults()]),
    );
    const kept = new Set(known);
    for (const id of new Set(found.flat())) if (!kept.has(id) && id < nextId) await this.removePicture(id);
  }

  async #picturesWithResults(): Promise<number[]> {
    const pictures: number[] = [];
    let cursor = await this.db.transaction("results").store.index("picture").openKeyCursor(null, "nextunique");
    while (cursor !== null) {
      pictures.push(cursor.key);
      cursor = await cursor.continue();
    }
    return pictures;
  }

  async estimate(): Promise<{ usage: number; quota: number } | null> {
    const { storage } = globalThis.navigator as { storage?: StorageManager }; // only in secure contexts
    const { usage, quota } = (await storage?.estimate().catch(() => null)) ?? {};
    return usage === undefined || quota === undefined || quota === 0 ? null : { usage, quota };
  }

  async persist(): Promise<void> {
    const storage = navigator.storage as StorageManager | undefined;
    await storage?.persist().catch(() => false); // what it says is the browser's business: work goes on either way
  }

  close(): void {
    this.db.close();
    this.release();
  }

  /**
   * A transaction's first requests, which let it fail as a whole once another page has the workspace. Nothing is read, for a
   * page that is being left would not live to see the answer.
   */
  #guarded(marks: Marks): Promise<unknown>[] {
    return [marks.add(true, goneMark(this.owner)), marks.delete(goneMark(this.owner))];
  }

  /** Work that does not fit any more gets the room of the embeddings, which can be had again. */
  async #withRoom<T>(task: () => Promise<T>): Promise<T> {
    try {
      return await this.#try(task);
    } catch (error) {
      if (!(error instanceof StorageError) || error.code !== "quota") throw error;
      await this.#try(() => this.db.clear("embeddings"));
      return this.#try(task);
    }
  }

  async #try<T>(task: () => Promise<T>): Promise<T> {
    try {
      return await task();
    } catch (error) {
      const problem = named(error);
      if (problem.code === "taken") this.onTaken();
      throw problem;
    }
  }
}

/** Raises what let the transaction fail, and not what failed because of that. */
async function ended(requests: readonly Promise<unknown>[], done: Promise<void>): Promise<void> {
  const results = await Promise.allSettled([...requests, done]);
  const reasons = results.flatMap((result) => (result.status === "rejected" ? [result.reason as Error] : []));
  const cause = reasons.find(({ name }) => name !== "AbortError") ?? reasons[0];
  if (cause !== undefined) throw cause;
}

/** A mark that is there already is the only constraint. */
const CODES: Readonly<Record<string, StorageCode>> = { QuotaExceededError: "quota", ConstraintError: "taken" };

function named(error: unknown): StorageError {
  if (error instanceof StorageError) return error;
  const name = error instanceof Error || error instanceof DOMException ? error.name : "";
  return new StorageError(CODES[name] ?? "broken", String(error));
}

/** One that has ended by itself cannot be aborted any more, and need not be. */
function abort(transaction: { abort(): void }): void {
  try {
    transaction.abort();
  } catch {
    // It had failed already.
  }
}
