import { TiffError } from "./tiff";
import type { TiffReply } from "./tiff-worker";

interface Options {
  readonly signal: AbortSignal;
  readonly progress: (part: number) => void;
  /** Most pages, and most bytes that they may take as PNGs. */
  readonly mostPages: number;
  readonly mostBytes: number;
}

/**
 * The pages of a TIFF as upright PNGs, read in a worker of its own. A single page keeps the file's name, so that what is
 * exported names the file that people have; of several, each has its number: "cells-07.png". Raises `TiffError`, or the
 * signal's reason.
 */
export async function readTiff(file: File, options: Options): Promise<File[]> {
  const worker = new Worker(new URL("./tiff-worker.ts", import.meta.url), { type: "module", name: "segserve-tiff" });
  try {
    const pages = await collected(worker, file, options);
    const digits = `${pages.length}`.length;
    const stem = file.name.replace(/\.tiff?$/i, "");
    return pages.map((page, at) => {
      const name = pages.length === 1 ? file.name : `${stem}-${`${at + 1}`.padStart(digits, "0")}.png`;
      return new File([page], name, { type: page.type });
    });
  } finally {
    worker.terminate();
  }
}

function collected(worker: Worker, file: File, { signal, progress, mostPages, mostBytes }: Options): Promise<Blob[]> {
  const pages: Blob[] = [];
  let bytes = 0;
  return new Promise((resolve, reject) => {
    const fail = (code: TiffError["code"], detail: string): void => reject(new TiffError(code, detail));
    const stop = (): void => reject(signal.reason as Error);
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
    worker.onerror = (event) => {
      event.preventDefault();
      fail("tiff_unreadable", event.message);
    };
    worker.onmessage = ({ data }: MessageEvent<TiffReply>) => {
      if (data.kind === "failure") fail(data.code, data.detail);
      else if (data.kind === "end") resolve(pages);
      else {
        pages.push(data.page);
        bytes += data.page.size;
        progress((data.at + 1) / data.count);
        if (data.count > mostPages) fail("tiff_too_large", `${data.count} pages`);
        else if (bytes > mostBytes) fail("tiff_too_large", `${bytes} bytes`);
      }
    };
    worker.postMessage(file);
  });
}
