import { StorageError } from "../../storage/port";
import type { WorkspaceStore } from "../../storage/port";
import { writeWorkspace } from "../../storage/workspace-export";
import { WorkspaceFileError } from "../../storage/workspace-format";
import { readWorkspace } from "../../storage/workspace-import";
import type { Job } from "../state";
import type { Store } from "../store";
import type { ParkedDocument } from "../workspace";
import { saveFile } from "./downloads";
import type { Jobs, JobTask } from "./jobs";
import type { Keeper } from "./keeper";
import { entryFrom, extraFrom, isDocument } from "./kept-workspace";
import { renumberDocument, renumberPayload } from "./renumber";

/** The whole workspace as one file, to carry elsewhere or to put aside, and back. One at a time. */
export class WorkspaceFiles {
  constructor(
    private readonly store: Store,
    private readonly jobs: Jobs,
    private readonly keeper: Keeper,
    private readonly shelf: Promise<WorkspaceStore>,
  ) {}

  async save(): Promise<void> {
    await this.#run("workspace_save", async (options) => {
      const [lost, cut]: [string[], string[]] = [[], []];
      const missing = (name: string): void => void lost.push(name);
      const shortened = (name: string): void => void cut.push(name);
      const stream = writeWorkspace(this.keeper.source(), { ...options, missing, shortened });
      const file = await new Response(stream, { headers: { "Content-Type": "application/zip" } }).blob();
      if (lost.length > 0) this.#tell("workspace_skipped", lost.join(", "), "warning");
      if (cut.length > 0) this.#tell("workspace_shortened", cut.join(", "), "warning");
      saveFile(file, `segserve-workspace-${new Date().toISOString().slice(0, 10)}.zip`);
    });
  }

  /** The file's pictures behind those that are here; the id of the first one, null when there is none. */
  async open(file: Blob): Promise<number | null> {
    let first: number | null = null;
    await this.#run("workspace_open", async (options) => {
      const reader = { document: renumberDocument, payload: renumberPayload, reserve: this.#reserve };
      const { pictures, documents, extra, skipped } = await readWorkspace(file, await this.shelf, reader, options);
      const parked: Record<number, ParkedDocument> = {};
      for (const [id, document] of documents) if (isDocument(document)) parked[id] = document;
      const { labels = [] } = extraFrom(extra);
      this.store.dispatch({ type: "workspace/append", entries: pictures.map(entryFrom), parked, labels });
      if (skipped.length > 0) this.#tell("workspace_skipped", skipped.map(({ name }) => name).join(", "), "warning");
      first = pictures[0]?.id ?? null;
    });
    return first;
  }

  readonly #reserve = (count: number): number => {
    const { nextId } = this.store.get();
    this.store.dispatch({ type: "workspace/reserve", count });
    return nextId;
  };

  async #run(kind: Job["kind"], task: JobTask): Promise<void> {
    if (this.jobs.has("workspace_save", "workspace_open")) {
      this.#tell("workspace_busy", "", "warning");
      return;
    }
    await this.jobs.run(kind, task).catch((error: unknown) => this.#complain(error));
  }

  #complain(error: unknown): void {
    const detail = error instanceof Error ? error.message : "";
    if (error instanceof WorkspaceFileError) this.#tell(`workspace_${error.code}`, detail, "error");
    else if (error instanceof StorageError) this.#tell(`storage_${error.code}`, detail, "error");
    else this.#tell("workspace_failed", detail, "error");
  }

  #tell(code: string, detail: string, tone: "warning" | "error"): void {
    this.store.dispatch({ type: "notice/add", notice: { code, detail, tone, action: null } });
  }
}
