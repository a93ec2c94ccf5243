import { rleToRaster } from "../../geometry/raster";
import { readAnnotations } from "../../formats/read";
import { measure } from "../../pictures/pixels";
import type { Store } from "../store";
import { documentsOf } from "../workspace";
import type { FileShelf } from "./files";
import { someOf } from "./notices";
import type { ResultShelf } from "./shelf";

/** Masks of files go to the pictures of the workspace that they name. */
export class Importer {
  constructor(
    private readonly store: Store,
    private readonly files: FileShelf,
    private readonly results: ResultShelf,
    /** So many bytes of masks wait to be written, and one mask more. */
    private readonly mostWaiting = 64 * 1024 * 1024,
  ) {}

  async run(annotations: readonly File[]): Promise<void> {
    if (annotations.length === 0) return;
    await this.#measure();
    const files = [];
    for (const file of annotations) {
      const bytes = await file.arrayBuffer().catch(() => new ArrayBuffer(0)); // gone meanwhile: told as damaged
      files.push({ path: file.name, bytes: new Uint8Array(bytes) });
    }
    const pictures = this.store
      .get()
      .workspace.entries.flatMap(({ id, name, size }) => (size === null ? [] : [{ id, name, ...size }]));
    const imported = readAnnotations(files, pictures);
    let [read, waiting] = [0, 0];
    for (const { id, objects } of imported.pictures) {
      const { nextId, workspace } = this.store.get();
      if (workspace.place === "yielded") return; // another tab took it meanwhile
      if (!workspace.entries.some((entry) => entry.id === id)) continue; // removed meanwhile
      this.store.dispatch({ type: "workspace/import", id, objects });
      read += objects.length;
      waiting = await this.#keep(id, nextId, waiting);
    }
    await this.results.settled();
    this.#tell(read === 0 ? "import_nothing" : "import_done", `${read}`, read === 0 ? "warning" : "info");
    for (const code of new Set(imported.skipped.map((skip) => skip.code))) {
      const skips = imported.skipped.filter((skip) => skip.code === code);
      const skipped = skips.reduce((sum, { count }) => sum + count, 0);
      this.#tell(`import_${code}`, `${skipped} (${someOf([...new Set(skips.map(({ path }) => path))])})`, "warning");
    }
  }

  /**
   * The masks of a picture's steps from `first` on are there already: nobody has to work them out, but where none are kept.
   * Resolves to the bytes that wait to be written, with the `waiting` of the pictures before.
   */
  async #keep(picture: number, first: number, waiting: number): Promise<number> {
    for (const { id, edit } of Object.values(documentsOf(this.store.get())[picture]?.steps ?? {})) {
      if (id < first || edit?.kind !== "set") continue;
      const raster = rleToRaster(edit.rle);
      this.results.keep(picture, id, { raster });
      waiting += raster.data.length;
      if (waiting < this.mostWaiting) continue;
      const isWritten = await this.results.settled();
      waiting = 0;
      if (!isWritten) break;
    }
    return waiting;
  }

  /** A picture that was never opened has no size yet, and masks must fit. */
  async #measure(): Promise<void> {
    for (const { id, size } of this.store.get().workspace.entries) {
      const file = size === null ? await this.files.get(id) : null;
      if (file === null) continue;
      try {
        this.store.dispatch({ type: "workspace/entry", id, change: { size: await measure(file) } });
      } catch {
        // It is told when the picture is opened.
      }
    }
  }

  #tell(code: string, detail: string, tone: "info" | "warning"): void {
    this.store.dispatch({ type: "notice/add", notice: { code, detail, tone, action: null } });
  }
}
