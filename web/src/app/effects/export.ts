import { DecodeError } from "../../decode/protocol";
import type { ExportedPicture, FormatFile, FormatWarning, Turn, Written } from "../../formats";
import { WRITERS, zipOf } from "../../formats";
import type { FileNames } from "../../formats/names";
import { filesOf } from "../../formats/names";
import { warningsOf } from "../../formats/types";
import type { ExportFormat } from "../actions";
import { colourOf, objectColour } from "../palette";
import type { ExportEntry } from "../selectors";
import { exportable, maskless } from "../selectors";
import type { Store } from "../store";
import type { ParkedDocument, PictureEntry } from "../workspace";
import { documentsOf } from "../workspace";
import { saveFile } from "./downloads";
import type { EngineKeeper } from "./engine";
import type { FileShelf } from "./files";
import type { JobOptions, Jobs } from "./jobs";
import type { ResultShelf } from "./shelf";
import type { StepMaker } from "./step-maker";

/** What a picture has to download. */
interface Source {
  readonly entry: PictureEntry;
  /** What its files are called, as among all pictures, so that they come back to it and not to a namesake. */
  readonly files: FileNames;
  readonly objects: readonly ExportEntry[];
  /** Objects whose masks are not worked out yet, or lost. */
  waiting: number;
}

/** One picture is written at once. */
const ALONE: JobOptions = { signal: new AbortController().signal, progress: () => undefined };

/** The page does what waits. No timer: those of a page in the background are slow. */
const breathe = (): Promise<void> =>
  new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });

/** Makes files of the open picture's masks, or of every picture's, and hands them to the browser's downloads. */
export class Exporter {
  constructor(
    private readonly store: Store,
    private readonly engine: EngineKeeper,
    private readonly files: FileShelf,
    private readonly results: ResultShelf,
    private readonly maker: StepMaker,
    private readonly jobs: Jobs,
  ) {}

  async run(format: ExportFormat, all: boolean): Promise<void> {
    const count = this.#sources(all).length;
    if (count === 0) return;
    const save = (options: JobOptions): Promise<void> => this.#save(format, all, options);
    try {
      await (count === 1 ? save(ALONE) : this.jobs.run("export", save));
    } catch (error) {
      const code = error instanceof DecodeError && error.code === "empty" ? "empty" : "export_failed";
      const detail = error instanceof Error ? error.message : "";
      this.store.dispatch({ type: "notice/add", notice: { code, detail, tone: "error", action: null } });
    }
  }

  async #save(format: ExportFormat, all: boolean, { signal, progress }: JobOptions): Promise<void> {
    const sources = this.#sources(all); // what there is when its turn comes
    const { files, warnings } = await this.#write(format, sources, async (done) => {
      progress(done / sources.length);
      await breathe();
      signal.throwIfAborted();
    });
    signal.throwIfAborted();
    const waiting = sources.reduce((sum, source) => sum + source.waiting, 0);
    const [only] = files;
    if (only === undefined && warnings.length + waiting === 0) throw new DecodeError("empty", "There is no mask.");
    const stem = sources[0]?.files.stem.split("/").at(-1) ?? "picture";
    const name = `${all ? "segserve" : stem}-${format.replace("_", "-")}.zip`;
    if (files.length > 1) saveFile(new Blob([zipOf(files)], { type: "application/zip" }), name);
    else if (only !== undefined) saveFile(new Blob([only.data]), singleName(format, all ? null : stem, only.path));
    this.#warn(warnings);
    if (waiting > 0) this.#tell("export_waiting", waiting);
  }

  /** In the filmstrip's order; of all pictures those without objects too, for they were looked at. */
  #sources(all: boolean): Source[] {
    const state = this.store.get();
    const { entries, label } = state.workspace;
    const documents = documentsOf(state);
    const open = state.picture?.epoch;
    const names = filesOf(entries.map(({ name }) => name));
    const sources = entries.flatMap((entry, i) => sourceOf(entry, names[i], documents[entry.id], label));
    return sources.filter(({ entry: { id, size } }) => size !== null && (all || id === open));
  }

  async #write(format: ExportFormat, sources: readonly Source[], turn: Turn): Promise<Written> {
    if (format === "mask" || format === "cutout") return this.#pngs(format, sources, turn);
    const pictures: ExportedPicture[] = [];
    for (const [i, source] of sources.entries()) {
      await turn(i / 2);
      pictures.push(await this.#exported(source));
    }
    return WRITERS[format](pictures, (done) => turn((sources.length + done) / 2));
  }

  async #exported(source: Source): Promise<ExportedPicture> {
    const { entry, files } = source;
    const { name, size } = entry;
    const { labels } = this.store.get().workspace;
    const objects = await this.#with(source, async (masks, there) => {
      const summaries = await this.engine.call<"summarise">({ kind: "summarise", masks });
      return there.flatMap(({ id, name: own, label, iou, colour }, i) => {
        const summary = summaries[i];
        const shown = colourOf(objectColour({ label, colour }, labels));
        return summary === undefined ? [] : [{ ...summary, id, name: own, label, colour: shown, iou }];
      });
    });
    return { name, files, width: size?.width ?? 0, height: size?.height ?? 0, objects };
  }

  async #pngs(format: "mask" | "cutout", sources: readonly Source[], turn: Turn): Promise<Written> {
    const files: FormatFile[] = [];
    const warnings: FormatWarning[] = [];
    for (const [i, source] of sources.entries()) {
      await turn(i);
      const blob = await this.#with(source, (masks) => {
        if (masks.length === 0) return Promise.resolve(null);
        return format === "mask"
          ? this.engine.call<"mask_png">({ kind: "mask_png", masks })
          : this.#cutOut(source.entry, masks, warnings);
      });
      if (blob === null) continue;
      files.push({ path: `${source.files.stem}-${format}.png`, data: new Uint8Array(await blob.arrayBuffer()) });
    }
    return { files, warnings };
  }

  /** null: there is nothing to cut, or nothing to cut it from, as `warnings` say. */
  async #cutOut(
    entry: PictureEntry,
    masks: readonly ExportEntry["ref"][],
    warnings: FormatWarning[],
  ): Promise<Blob | null> {
    const source = await this.files.get(entry.id);
    if (source === null) {
      warnings.push(...warningsOf(entry, { picture_gone: masks.length }));
      return null;
    }
    const summaries = await this.engine.call<"summarise">({ kind: "summarise", masks });
    const held = masks.filter((_, i) => summaries[i]?.area !== 0);
    warnings.push(...warningsOf(entry, { empty_left_out: masks.length - held.length }));
    return held.length === 0 ? null : this.engine.call<"cut_out">({ kind: "cut_out", masks: held, source });
  }

  /**
   * The worker holds the open picture's masks, or gets them back; another's are lent to it. Objects whose masks are lost are
   * left out.
   */
  async #with<T>(
    source: Source,
    task: (masks: ExportEntry["ref"][], there: readonly ExportEntry[]) => Promise<T>,
  ): Promise<T> {
    const { entry, objects } = source;
    const steps = [...new Set(objects.map(({ ref }) => ref.step))];
    const lost = new Set<number>();
    const isOpen = entry.id === this.store.get().picture?.epoch;
    if (isOpen) for (const step of steps) await this.maker.hold(entry.id, step);
    const lent = isOpen ? [] : steps;
    for (const step of lent) {
      const result = await this.results.recall(entry.id, step);
      if (result !== null) await this.engine.call<"adopt">({ kind: "adopt", step, result });
      else if (!this.maker.holds(step)) lost.add(step);
    }
    const there = objects.filter(({ ref }) => !lost.has(ref.step));
    source.waiting += objects.length - there.length;
    try {
      return await task(
        there.map(({ ref }) => ref),
        there,
      );
    } finally {
      const back = lent.filter((step) => !this.maker.holds(step)); // its picture may have been opened meanwhile
      if (back.length > 0) await this.engine.call<"forget">({ kind: "forget", steps: back });
    }
  }

  #warn(warnings: readonly FormatWarning[]): void {
    const codes = new Map<FormatWarning["code"], number>();
    for (const { code, count } of warnings) codes.set(code, (codes.get(code) ?? 0) + count);
    for (const [code, count] of codes) this.#tell(code, count);
  }

  #tell(code: string, count: number): void {
    this.store.dispatch({ type: "notice/add", notice: { code, detail: `${count}`, tone: "warning", action: null } });
  }
}

function sourceOf(
  entry: PictureEntry,
  files: FileNames | undefined,
  document: ParkedDocument | undefined,
  label: string,
): Source[] {
  if (files === undefined) return [];
  if (document === undefined) return [{ entry, files, objects: [], waiting: 0 }];
  return [{ entry, files, objects: exportable(document, label), waiting: maskless(document) }];
}

/** `cat-coco.json`, `cat-mask.png`, `cat.svg`: the picture's name is in it, or, of all pictures, in `path` already. */
function singleName(format: ExportFormat, stem: string | null, path: string): string {
  const ending = /\.[^.]+$/.exec(path)?.[0] ?? "";
  const parts = path.split("/");
  if (format === "masks") return `${parts.at(-2) ?? stem ?? "picture"}-mask${ending}`; // it lay in a folder of that name
  if (stem === null) return path;
  return format === "coco" || format === "coco_polygons" ? `${stem}-coco${ending}` : (parts.at(-1) ?? path);
}
