import type { StepResult } from "../../decode/protocol";
import type { WorkspaceStore } from "../../storage/port";
import { StorageError } from "../../storage/port";
import type { WorkspaceSource } from "../../storage/workspace-export";
import type { NoticeAction } from "../state";
import type { Store } from "../store";
import { documentsOf } from "../workspace";
import { documentJson } from "./document-json";
import type { EmbeddingShelf } from "./embedding-source";
import type { FileShelf } from "./files";
import { packed, unpacked } from "./kept-results";
import { indexOf, workspaceFrom } from "./kept-workspace";
import { QuotaWatch } from "./quota";
import type { ResultShelf } from "./shelf";

/** Changes wait so long for others, so that a burst of them is one write. */
const GATHER_MS = 250;
const FAILURES = ["storage_quota", "storage_broken"];

/** Puts every change into the browser's storage, and brings an earlier visit's work back. */
export class Keeper {
  readonly #results = new Map<number, { picture: number; result: StepResult }>();
  readonly #forgotten = new Set<number>();
  readonly #documents = new Set<number>();
  readonly #files = new Map<number, Blob>();
  /** Pictures whose kept documents could not be read: the next visit may, unless they are drawn on anew. */
  readonly #unread = new Set<number>();
  #indexChanged = false;
  #warned = false;
  /** It was told that something could not be kept. */
  #complained = false;
  #closed = false;
  /** So many files are on their way into the storage. */
  #storing = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #writing: Promise<boolean> = Promise.resolve(true);
  readonly #quota: QuotaWatch;

  constructor(
    private readonly store: Store,
    private readonly shelf: Promise<WorkspaceStore>,
  ) {
    this.#quota = new QuotaWatch(shelf, (code, detail) =>
      this.store.dispatch({ type: "notice/add", notice: { code, detail, tone: "warning", action: null } }),
    );
    store.listen((state, before, action) => {
      if (action.type === "workspace/restore" || action.type === "workspace/yield") return;
      const { picture, workspace } = state;
      const same = picture?.epoch === before.picture?.epoch;
      const edited = state.history !== before.history || state.steps !== before.steps || state.hidden !== before.hidden;
      if (picture !== null && same && edited) this.#documents.add(picture.epoch);
      if (workspace.parked !== before.workspace.parked) {
        for (const [id, document] of Object.entries(workspace.parked)) {
          const isUntouched = document.history.past.length + document.history.future.length === 0;
          if (isUntouched && this.#unread.has(Number(id))) continue;
          if (before.workspace.parked[Number(id)] !== document) this.#documents.add(Number(id));
        }
      }
      const reserved = action.type === "workspace/reserve"; // ids that nothing else may get after a crash
      if (workspace !== before.workspace || !same || reserved) this.#indexChanged = true;
      if (this.#isDirty && workspace.restored) this.#schedule();
    });
    store.listen((_state, _before, action) => {
      if (action.type === "draft/accept") void this.#warnOfLoss();
    });
    // The last moments of a page that is closed, or put aside on a phone.
    globalThis.addEventListener("beforeunload", (event) => {
      if (this.#storing > 0) event.preventDefault(); // a picture without its file could not be opened again
    });
    globalThis.addEventListener("pagehide", () => void this.#write()); // there is no time to wait for a write before
    document.addEventListener("visibilitychange", () => void this.flush());
  }

  readonly results: ResultShelf = {
    keep: (picture, step, result) => {
      this.#results.set(step, { picture, result });
      this.#schedule();
    },
    recall: async (_picture, step) => {
      const waiting = this.#results.get(step);
      if (waiting !== undefined) return waiting.result;
      const kept = await (await this.shelf).loadResult(step).catch(() => null);
      return kept === null ? null : unpacked(kept.payload);
    },
    settled: () => this.flush(),
    forget: (steps) => {
      for (const step of steps) {
        this.#results.delete(step);
        this.#forgotten.add(step);
      }
      this.#schedule();
    },
  };

  readonly files: FileShelf = {
    put: (id, file) => {
      this.#files.set(id, file);
      this.#storing++;
      void this.shelf
        .then((shelf) => shelf.saveFile(id, file))
        .then(
          () => this.#files.delete(id),
          (error: unknown) => this.#complain(error), // it stays in memory
        )
        .finally(() => this.#storing--);
    },
    get: async (id) => this.#files.get(id) ?? (await this.shelf).loadFile(id).catch(() => null),
  };

  /** Says so when pictures of so many bytes will not fit into the browser's storage. */
  expect(bytes: number): void {
    void this.#quota.expect(bytes).catch(() => undefined);
  }

  readonly embeddings: EmbeddingShelf = {
    save: (key, bytes) => void this.shelf.then((shelf) => shelf.saveEmbedding(key, bytes)).catch(() => undefined),
    load: async (key) => (await this.shelf).loadEmbedding(key).catch(() => null),
  };

  /** All that there is, whether it could be written or not, to be read one by one. */
  source(): WorkspaceSource {
    const state = this.store.get();
    const documents = documentsOf(state);
    return {
      index: indexOf(state.workspace, state.picture?.epoch, state.nextId),
      loadFile: async (picture) => this.#files.get(picture) ?? (await this.shelf).loadFile(picture),
      documentOf: (picture, most) => {
        const document = documents[picture];
        if (document === undefined) return null;
        return { ...documentJson(document, most), steps: Object.keys(document.steps).map(Number) };
      },
      loadPayload: async (_picture, step) => {
        const waiting = this.#results.get(step);
        if (waiting !== undefined) return packed(waiting.result);
        return (await (await this.shelf).loadResult(step))?.payload ?? null;
      },
    };
  }

  removePicture(id: number): void {
    this.#files.delete(id);
    this.#documents.delete(id);
    for (const [step, { picture }] of this.#results) if (picture === id) this.#results.delete(step);
    void this.shelf.then((shelf) => shelf.removePicture(id)).catch((error: unknown) => this.#complain(error));
  }

  /** What an earlier visit left; its open picture's id. */
  async restore(): Promise<number | null> {
    try {
      const shelf = await this.shelf;
      const index = await shelf.load();
      const documents = index === null ? [] : await shelf.loadDocuments();
      const { workspace, nextId, damaged } = workspaceFrom(index, documents);
      for (const id of damaged) this.#unread.add(id);
      if (damaged.length > 0) this.#tell("storage_damaged", `${damaged.length}`, "error");
      if (shelf.fleeting === "unreadable") this.#tell("storage_unreadable", "", "error", "reload");
      const place = shelf.fleeting === "elsewhere" ? "elsewhere" : "here";
      this.store.dispatch({ type: "workspace/restore", workspace: { ...workspace, place }, nextId });
      const known = index?.pictures.map(({ id }) => id);
      if (known !== undefined) void shelf.tidy(known, nextId).catch(() => undefined);
      return index?.active ?? null;
    } catch (error) {
      this.#complain(error);
      this.store.dispatch({ type: "workspace/restore", workspace: {}, nextId: 1 });
      return null;
    }
  }

  /**
   * Another tab asks for the workspace, or has it already (`taken`, after this one gave no answer): what waits is written, and
   * from then on nothing. What could not be written stays here, and the page says so.
   */
  async yield(taken: boolean): Promise<void> {
    if (this.#closed) return;
    this.#closed = taken;
    this.store.dispatch({ type: "workspace/yield", kept: true });
    const written = taken ? await this.#writing.then(() => !this.#isDirty) : await this.flush();
    this.#closed = true;
    if (written && this.#files.size === 0) (await this.shelf).close();
    else this.store.dispatch({ type: "workspace/yield", kept: false });
  }

  /** Writes what waits; false when it could not be. */
  flush(): Promise<boolean> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#writing = this.#writing.then(() => this.#write());
    return this.#writing;
  }

  get #isDirty(): boolean {
    return this.#indexChanged || this.#documents.size + this.#results.size + this.#forgotten.size > 0;
  }

  #schedule(): void {
    this.#timer ??= setTimeout(() => void this.flush(), GATHER_MS);
  }

  async #write(): Promise<boolean> {
    const state = this.store.get();
    if (!this.#isDirty || !state.workspace.restored || this.#closed) return true;
    const all = documentsOf(state);
    const results = [...this.#results];
    const documents = [...this.#documents].flatMap((picture) => {
      const document = all[picture];
      return document === undefined ? [] : [{ picture, document }];
    });
    const forgotten = [...this.#forgotten];
    const index = indexOf(state.workspace, state.picture?.epoch, state.nextId); // ids grow with every click
    this.#documents.clear();
    this.#forgotten.clear();
    this.#indexChanged = false;
    try {
      const shelf = await this.shelf;
      const packedResults = results.map(([step, { picture, result }]) => ({ step, picture, payload: packed(result) }));
      await shelf.save({ index, documents, results: packedResults, forgotten });
      for (const [step, entry] of results) if (this.#results.get(step) === entry) this.#results.delete(step);
      if (this.#complained && this.#files.size === 0) {
        this.#complained = false; // all that could not be kept is kept now
        for (const code of FAILURES) this.store.dispatch({ type: "notice/clear", code });
      }
      await this.#quota.look();
      return true;
    } catch (error) {
      for (const { picture } of documents) this.#documents.add(picture);
      for (const step of forgotten) this.#forgotten.add(step);
      this.#indexChanged = true;
      this.#complain(error);
      return false;
    }
  }

  /** Once there is something to lose. */
  async #warnOfLoss(): Promise<void> {
    if (this.#warned) return;
    this.#warned = true;
    const shelf = await this.shelf;
    if (shelf.fleeting === "elsewhere") this.#tell("storage_elsewhere", "", "warning");
    else if (shelf.fleeting === "unavailable") this.#tell("storage_broken", "", "warning");
    else if (shelf.fleeting === "unreadable") {
      const notice = { code: "storage_unreadable", detail: "", tone: "error", action: null } as const;
      this.store.dispatch({ type: "notice/add", notice }); // again, without its button: that would lose what is done by now
    } else await shelf.persist();
  }

  #complain(error: unknown): void {
    const code = error instanceof StorageError ? error.code : "broken";
    if (code === "taken") return; // the page hears so by itself, and yields
    this.#complained = true;
    this.#tell(`storage_${code}`, error instanceof Error ? error.message : "", "error");
  }

  #tell(code: string, detail: string, tone: "warning" | "error", action: NoticeAction | null = null): void {
    if (this.store.get().notices.some((notice) => notice.code === code)) return;
    this.store.dispatch({ type: "notice/add", notice: { code, detail, tone, action } });
  }
}
