import { TiffError } from "../../pictures/tiff";
import { readTiff } from "../../pictures/tiff-pages";
import type { Jobs } from "./jobs";
import { MOST_BYTES, MOST_FILES } from "./opening";

const isTiff = (file: File): boolean => file.type === "image/tiff" || /\.tiff?$/i.test(file.name);

interface Unfolded {
  readonly pictures: readonly File[];
  /** What could not be read: the error's code, and the files' names with what was wrong with them. */
  readonly problems: ReadonlyMap<TiffError["code"], readonly string[]>;
}

/** Every TIFF's pages in its place. It is work with progress; when it is stopped, TIFFs that were not read are left out. */
export async function unfolded(files: readonly File[], jobs: Jobs, read = readTiff): Promise<Unfolded> {
  const pages = new Map<File, readonly File[]>();
  const problems = new Map<TiffError["code"], string[]>();
  const tiffs = files.filter(isTiff);
  if (tiffs.length > 0) {
    await jobs.run("pages", async ({ signal, progress }) => {
      for (const [at, file] of tiffs.entries()) {
        const options = {
          signal,
          progress: (part: number) => progress((at + part) / tiffs.length),
          mostPages: MOST_FILES,
          mostBytes: MOST_BYTES,
        };
        try {
          pages.set(file, await read(file, options));
        } catch (error) {
          if (signal.aborted) throw error;
          const code = error instanceof TiffError ? error.code : "tiff_unreadable";
          const words = error instanceof Error ? error.message : String(error);
          problems.set(code, [...(problems.get(code) ?? []), `${file.name} (${words})`]);
        }
      }
    });
  }
  const pictures = files.flatMap((file) => (isTiff(file) ? (pages.get(file) ?? []) : [file]));
  return { pictures, problems };
}
