import type { ModelSummary } from "../../api/types";
import type { Store } from "../store";
import { neighbourOf } from "../workspace";
import type { EmbeddingSource } from "./embedding-source";
import type { FileShelf } from "./files";

/** How many of the pictures ahead and behind are encoded before anyone asks, in this order. */
const OFFSETS = [1, -1] as const;

/** While one picture is worked on, the server encodes its neighbours, so that switching to them takes no wait. */
export class Prefetcher {
  constructor(
    private readonly store: Store,
    private readonly files: FileShelf,
    private readonly embeddings: EmbeddingSource,
  ) {}

  /** Given up with the open picture; a failure is nobody's business until that picture is opened. */
  begin(model: ModelSummary, signal: AbortSignal): void {
    void this.#run(model, signal).catch(() => undefined);
  }

  async #run(model: ModelSummary, signal: AbortSignal): Promise<void> {
    for (const offset of OFFSETS) {
      const entry = neighbourOf(this.store.get(), offset);
      if (entry === null || entry.phase === "encoding") continue;
      const file = await this.files.get(entry.id);
      if (file === null || signal.aborted) continue;
      const { id, name, size, imageId } = entry;
      const tell = (change: object): void => this.store.dispatch({ type: "workspace/entry", id, change });
      const quiet = { phase: () => undefined, waiting: () => undefined };
      try {
        tell({ phase: "encoding" });
        const encoded = await this.embeddings.get({ file, name, size, imageId }, model, signal, quiet);
        tell({ phase: "encoded", imageId: encoded.imageId });
      } catch (error) {
        tell({ phase: "waiting" });
        throw error;
      }
    }
  }
}
