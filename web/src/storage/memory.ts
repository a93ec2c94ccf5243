import type { Changes, StoredResult, WorkspaceIndex, WorkspaceStore } from "./port";

/** Where the browser keeps nothing: as long as the page is open, nothing is lost. */
export class MemoryStore implements WorkspaceStore {
  constructor(readonly fleeting: NonNullable<WorkspaceStore["fleeting"]> = "unavailable") {}

  #index: WorkspaceIndex | null = null;
  readonly #files = new Map<number, Blob>();
  readonly #documents = new Map<number, unknown>();
  readonly #results = new Map<number, StoredResult>();

  load(): Promise<WorkspaceIndex | null> {
    return Promise.resolve(this.#index);
  }

  save({ index, documents = [], results = [], forgotten = [] }: Changes): Promise<void> {
    this.#index = index ?? this.#index;
    for (const { picture, document } of documents) this.#documents.set(picture, document);
    for (const result of results) this.#results.set(result.step, result);
    for (const step of forgotten) this.#results.delete(step);
    return Promise.resolve();
  }

  saveFile(picture: number, file: Blob): Promise<void> {
    this.#files.set(picture, file);
    return Promise.resolve();
  }

  loadFile(picture: number): Promise<Blob | null> {
    return Promise.resolve(this.#files.get(picture) ?? null);
  }

  loadDocuments(): ReturnType<WorkspaceStore["loadDocuments"]> {
    return Promise.resolve([...this.#documents].map(([picture, document]) => ({ picture, document })));
  }

  loadResult(step: number): Promise<StoredResult | null> {
    return Promise.resolve(this.#results.get(step) ?? null);
  }

  /** The page's own cache is enough. */
  saveEmbedding(): Promise<void> {
    return Promise.resolve();
  }

  loadEmbedding(): Promise<null> {
    return Promise.resolve(null);
  }

  removePicture(picture: number): Promise<void> {
    this.#files.delete(picture);
    this.#documents.delete(picture);
    for (const result of this.#results.values()) if (result.picture === picture) this.#results.delete(result.step);
    return Promise.resolve();
  }

  async tidy(known: readonly number[], nextId: number): Promise<void> {
    const withResults = [...this.#results.values()].map(({ picture }) => picture);
    for (const id of [...this.#files.keys(), ...this.#documents.keys(), ...withResults]) {
      if (!known.includes(id) && id < nextId) await this.removePicture(id);
    }
  }

  persist(): Promise<void> {
    return Promise.resolve();
  }

  estimate(): Promise<null> {
    return Promise.resolve(null);
  }

  close(): void {
    // Nothing is held open.
  }
}
