import { pagesOf, readPage, TiffError } from "./tiff";
import type { TiffPage } from "./tiff";

export type TiffReply =
  | { readonly kind: "page"; readonly page: Blob; readonly at: number; readonly count: number }
  | { readonly kind: "end" }
  | { readonly kind: "failure"; readonly code: TiffError["code"]; readonly detail: string };

const scope = self as unknown as {
  postMessage(message: TiffReply): void;
  onmessage: ((event: MessageEvent<Blob>) => void) | null;
};

scope.onmessage = (event) => {
  run(event.data).catch((error: unknown) => {
    const code = error instanceof TiffError ? error.code : "tiff_unreadable";
    scope.postMessage({ kind: "failure", code, detail: error instanceof Error ? error.message : String(error) });
  });
};

/** Posts every page as a PNG, upright, one after the other. */
async function run(file: Blob): Promise<void> {
  const { fromBlob } = await import("geotiff");
  const tiff = await fromBlob(file);
  const pages = await pagesOf(tiff);
  for (const [at, page] of pages.entries()) {
    scope.postMessage({ kind: "page", page: await pngOf(await readPage(tiff, page)), at, count: pages.length });
  }
  scope.postMessage({ kind: "end" });
}

async function pngOf({ width, height, pixels, orientation }: TiffPage): Promise<Blob> {
  const stored = new OffscreenCanvas(width, height);
  contextOf(stored).putImageData(new ImageData(pixels, width, height), 0, 0);
  if (orientation === 1) return stored.convertToBlob({ type: "image/png" });
  const upright = orientation >= 5 ? new OffscreenCanvas(height, width) : new OffscreenCanvas(width, height);
  const context = contextOf(upright);
  context.setTransform(...turned(orientation, width, height));
  context.drawImage(stored, 0, 0);
  return upright.convertToBlob({ type: "image/png" });
}

function contextOf(canvas: OffscreenCanvas): OffscreenCanvasRenderingContext2D {
  const context = canvas.getContext("2d");
  if (context === null) throw new Error("The browser gives no 2D canvas.");
  return context;
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
