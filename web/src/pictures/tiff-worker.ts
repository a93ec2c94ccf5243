import type { GeoTIFF } from "geotiff";

import { contextOf, fileOf, free } from "./context";
import { MOST_BYTES, pagesOf, prepared, readPage, TiffError } from "./tiff";
import type { TiffPage } from "./tiff";
import { rgba } from "./tiff-colours";
import { unpackLzw } from "./tiff-lzw";

export interface TiffCall {
  readonly file: Blob;
  readonly mostPages: number;
}

interface Problem {
  readonly code: TiffError["code"];
  readonly detail: string;
}

export type TiffReply =
  | { readonly kind: "page"; readonly page: Blob; readonly at: number; readonly count: number }
  | ({ readonly kind: "bad_page"; readonly at: number; readonly count: number } & Problem)
  | { readonly kind: "end" }
  | ({ readonly kind: "failure" } & Problem);

const OPAQUE = { alpha: false };

const scope = self as unknown as {
  postMessage(message: TiffReply): void;
  onmessage: ((event: MessageEvent<TiffCall>) => void) | null;
};

scope.onmessage = (event) => {
  run(event.data).catch((error: unknown) => scope.postMessage({ kind: "failure", ...problemOf(error) }));
};

/** Posts every page as a PNG, upright, one after the other; a page that cannot be read does not keep the others back. */
async function run({ file, mostPages }: TiffCall): Promise<void> {
  const tiff = await opened(file);
  const pages = await pagesOf(tiff, mostPages);
  for (const [at, number] of pages.entries()) {
    const where = { at, count: pages.length };
    try {
      scope.postMessage({ kind: "page", page: await pngOf(await readPage(tiff, number)), ...where });
    } catch (error) {
      scope.postMessage({ kind: "bad_page", ...where, ...problemOf(error) });
    }
  }
  scope.postMessage({ kind: "end" });
}

async function opened(file: Blob): Promise<GeoTIFF> {
  const { addDecoder, BaseDecoder, fromBlob } = await import("geotiff");
  addDecoder(5, () =>
    Promise.resolve(
      class extends BaseDecoder {
        override decodeBlock(packed: ArrayBufferLike): ArrayBufferLike {
          const { tileWidth, tileHeight, bitsPerSample } = this.parameters;
          const bits = Array.from(bitsPerSample as ArrayLike<number>).reduce((sum, some) => sum + some, 0);
          const most = Math.ceil((tileWidth * bits) / 8) * tileHeight; // one strip may be said to have all rows there are
          return unpackLzw(new Uint8Array(packed), Math.min(most, MOST_BYTES)).slice().buffer;
        }
      },
    ),
  );
  return prepared(await fromBlob(file));
}

function problemOf(error: unknown): Problem {
  const code = error instanceof TiffError ? error.code : "tiff_unreadable";
  return { code, detail: error instanceof Error ? error.message : String(error) };
}

async function pngOf(page: TiffPage): Promise<Blob> {
  const { width, height, orientation } = page;
  const stored = new OffscreenCanvas(width, height);
  contextOf(stored, OPAQUE).putImageData(new ImageData(rgba(page), width, height), 0, 0);
  if (orientation === 1) return fileOf(stored, { type: "image/png" });
  const upright = orientation >= 5 ? new OffscreenCanvas(height, width) : new OffscreenCanvas(width, height);
  const context = contextOf(upright, OPAQUE);
  context.setTransform(...turned(orientation, width, height));
  context.drawImage(stored, 0, 0);
  free(stored);
  return fileOf(upright, { type: "image/png" });
}

type Matrix = [a: number, b: number, c: number, d: number, e: number, f: number];

/** From a stored pixel to where it is seen (TIFF 6.0, tag 274); `width` and `height` are the stored ones. */
function turned(orientation: number, width: number, height: number): Matrix {
  switch (orientation) {
    case 2:
      return [-1, 0, 0, 1, width, 0];
    case 3:
      return [-1, 0, 0, -1, width, height];
    case 4:
      return [1, 0, 0, -1, 0, height];
    case 5:
      return [0, 1, 1, 0, 0, 0];
    case 6:
      return [0, 1, -1, 0, height, 0];
    case 7:
      return [0, -1, -1, 0, height, width];
    case 8:
      return [0, -1, 1, 0, 0, width];
    default:
      return [1, 0, 0, 1, 0, 0];
  }
}
