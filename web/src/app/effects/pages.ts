import { TiffError } from "../../pictures/tiff";
import { isTiff, readTiff } from "../../pictures/tiff-pages";
import { t } from "../../text";
import type { Jobs } from "./jobs";
import { MOST_BYTES, MOST_FILES } from "./opening";

interface Unfolded {
  readonly pictures: readonly File[];
  /** What could not be read: the error's code, and the files and pages with what was wrong with them. */
  readonly problems: ReadonlyMap<TiffError["code"], readonly string[]>;
}

/** Groups to be opened one after the other: behind long work only TIFFs wait, whose pages come last then. */
export async function inTurn(files: readonly File[], jobs: Jobs): Promise<readonly (readonly File[])[]> {
  if (!jobs.busy) return [files];
  const tiffs = new Set(await tiffsAmong(files));
  return [files.filter((file) => !tiffs.has(file)), [...tiffs]];
}

/** Every TIFF's pages in its place. It is work with progress; when it is stopped, TIFFs that were not read are left out. */
export async function unfolded(files: readonly File[], jobs: Jobs, read = readTiff): Promise<Unfolded> {
  const tiffs = await tiffsAmong(files);
  const pages = new Map<File, readonly File[]>(tiffs.map((file) => [file, []]));
  const problems = new Map<TiffError["code"], string[]>();
  const tell = (code: TiffError["code"], text: string): void =>
    void problems.set(code, [...(problems.get(code) ?? []), text]);
  if (tiffs.length > 0) {
    let mostPages = MOST_FILES - (files.length - tiffs.length);
    let mostBytes = MOST_BYTES;
    await jobs.run("pages", async ({ signal, progress }) => {
      for (const [at, file] of tiffs.entries()) {
        const part = (of: number): void => progress((at + of) / tiffs.length);
        try {
          const found = await read(file, { signal, progress: part, mostPages, mostBytes });
          pages.set(file, found.files);
          mostPages -= found.files.length;
          mostBytes -= found.files.reduce((sum, { size }) => sum + size, 0);
          for (const { page, code, detail } of found.problems) {
            tell(code, `${t("tiff.page", { name: file.name, page })} (${detail})`);
          }
        } catch (error) {
          if (signal.aborted) throw error;
          const detail = error instanceof Error ? error.message : String(error);
          tell(error instanceof TiffError ? error.code : "tiff_unreadable", `${file.name} (${detail})`);
        }
      }
    });
  }
  return { pictures: files.flatMap((file) => pages.get(file) ?? [file]), problems };
}

/** A file that cannot be read at all is none: what is wrong with it is told when it is shown. */
async function tiffsAmong(files: readonly File[]): Promise<File[]> {
  const tiffs: File[] = [];
  for (const file of files) if (mayBeTiff(file) && (await isTiff(file).catch(() => false))) tiffs.push(file);
  return tiffs;
}

const mayBeTiff = (file: File): boolean => file.type === "image/tiff" || /\.tiff?$/i.test(file.name);
