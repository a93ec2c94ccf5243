import { TiffError } from "./tiff";
import type { TiffCall, TiffReply } from "./tiff-worker";

/** The worker is given up when it has said nothing for so long: damaged files may keep it busy for ever. */
const PATIENCE_MS = 120_000;

export interface TiffOptions {
  readonly signal: AbortSignal;
  readonly progress: (part: number) => void;
  /** Most pages, and most bytes that they may take as PNGs. */
  readonly mostPages: number;
  readonly mostBytes: number;
}

export interface TiffPages {
  readonly files: readonly File[];
  /** Pages, from 1 on, that could not be read. */
  readonly problems: readonly { readonly page: number; readonly code: TiffError["code"]; readonly detail: string }[];
}

/** Whether a file is a TIFF, or a BigTIFF, by its first bytes: names are given to all kinds of things. */
export async function isTiff(file: Blob): Promise<boolean> {
  const [a, b, c, d] = new Uint8Array(await file.slice(0, 4).arrayBuffer());
  if (a !== b) return false;
  return (a === 0x49 && (c === 42 || c === 43) && d === 0) || (a === 0x4d && c === 0 && (d === 42 || d === 43));
}

/**
 * The pages of a TIFF as upright PNGs, read in a worker of its own. A single page keeps the file's name, so that what is
 * exported names the file that people have; of several, each has its number: "cells-07.png". Raises `TiffError` where
 * nothing can be read, or the signal's reason.
 */
export async function readTiff(file: File, options: TiffOptions): Promise<TiffPages> {
  const worker = new Worker(new URL("./tiff-worker.ts", import.meta.url), { type: "module", name: "segserve-tiff" });
  try {
    const { pages, count, problems } = await collected(worker, file, options);
    const digits = `${count}`.length;
    const stem = file.name.replace(/\.tiff?$/i, "");
    const files = pages.map(({ at, page }) => {
      const name = count === 1 ? file.name : `${stem}-${`${at + 1}`.padStart(digits, "0")}.png`;
      return new File([page], name, { type: page.type });
    });
    return { files, problems };
  } finally {
    worker.terminate();
  }
}

interface Collected {
  readonly pages: { readonly at: number; readonly page: Blob }[];
  readonly count: number;
  readonly problems: TiffPages["problems"][number][];
}

async function collected(worker: Worker, file: File, options: TiffOptions): Promise<Collected> {
  const { signal, progress, mostPages, mostBytes } = options;
  const found = { pages: [] as Collected["pages"], count: 0, problems: [] as Collected["problems"] };
  let bytes = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      const fail = (code: TiffError["code"], detail: string): void => reject(new TiffError(code, detail));
      const wait = (): void => {
        clearTimeout(timer);
        timer = setTimeout(() => fail("tiff_unreadable", `no page in ${PATIENCE_MS / 1000} s`), PATIENCE_MS);
      };
      const stop = (): void => reject(signal.reason as Error);
      if (signal.aborted) stop();
      signal.addEventListener("abort", stop, { once: true });
      worker.onerror = (event) => {
        event.preventDefault();
        fail("tiff_unreadable", event.message || "the reader did not start");
      };
      worker.onmessage = ({ data }: MessageEvent<TiffReply>) => {
        wait();
        if ("at" in data) {
          found.count = data.count;
          progress((data.at + 1) / data.count);
        }
        if (data.kind === "failure") fail(data.code, data.detail);
        else if (data.kind === "end") resolve();
        else if (data.kind === "bad_page")
          found.problems.push({ page: data.at + 1, code: data.code, detail: data.detail });
        else {
          found.pages.push({ at: data.at, page: data.page });
          bytes += data.page.size;
          if (bytes > mostBytes) fail("tiff_too_large", `more than ${mostBytes} bytes as PNG`);
        }
      };
      wait();
      worker.postMessage({ file, mostPages } satisfies TiffCall);
    });
    return found;
  } finally {
    clearTimeout(timer);
  }
}
