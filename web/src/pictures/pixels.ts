import type { Size } from "../geometry/frames";
import type { Rectangle } from "../geometry/mask";
import { contextOf, fileOf, free } from "./context";
import { sizeOf } from "./header";

/** Pictures of more pixels are shown smaller, and from near what is in sight by itself: 96 MB of pixels are enough. */
const MOST_SHOWN = 24_000_000;
/** Longer side of what is shown of larger ones. */
const LONGEST_SHOWN = 4096;
/** Height of the filmstrip's small pictures, in pixels. */
const THUMBNAIL = 132;

/** The browser cannot read the file as a picture. */
export class NoPicture extends Error {
  readonly code: "image_empty" | "not_a_picture" | "picture_too_large_here";

  /** `size`: of a picture that says that it is a large one; whether it is too large or damaged, browsers do not tell. */
  constructor(file: Blob, cause: unknown, size: Size | null = null) {
    super(size === null ? "This is no picture." : `${size.width} × ${size.height}`, { cause });
    this.code = file.size === 0 ? "image_empty" : size === null ? "not_a_picture" : "picture_too_large_here";
  }
}

export interface ShownPicture {
  /** Upright; smaller than the picture where that is large. */
  readonly bitmap: ImageBitmap;
  /** The picture's own. */
  readonly size: Size;
}

/** Upright pixels: the orientation of EXIF is applied, as the server does. Raises `NoPicture`. */
export async function decodePicture(file: Blob): Promise<ImageBitmap> {
  try {
    return await createImageBitmap(file, { imageOrientation: "from-image", premultiplyAlpha: "premultiply" });
  } catch (cause) {
    throw new NoPicture(file, cause);
  }
}

/** The size of the upright picture; by its header where that tells it, otherwise by decoding. Raises `NoPicture`. */
export async function measure(file: Blob): Promise<Size> {
  const size = await sizeOf(file);
  if (size !== null) return size;
  const bitmap = await decodePicture(file);
  const { width, height } = bitmap;
  bitmap.close();
  return { width, height };
}

/** The picture as it is shown. Raises `NoPicture`. */
export async function decodeShown(file: Blob): Promise<ShownPicture> {
  const size = await sizeOf(file);
  if (size === null || size.width * size.height <= MOST_SHOWN) {
    const bitmap = await decodePicture(file);
    return { bitmap, size: { width: bitmap.width, height: bitmap.height } };
  }
  try {
    return { bitmap: await shrunk(file, fitted(size, LONGEST_SHOWN)), size };
  } catch (cause) {
    throw new NoPicture(file, cause, size);
  }
}

/** The size that fits into a square of `longest` pixels, with the same ratio; never larger, never less than a pixel. */
export function fitted(size: Size, longest: number): Size {
  const scale = Math.min(1, longest / Math.max(size.width, size.height));
  return {
    width: Math.max(1, Math.round(size.width * scale)),
    height: Math.max(1, Math.round(size.height * scale)),
  };
}

/**
 * The upright picture at another size. createImageBitmap decodes at full size before it resizes (4 bytes a pixel, for that
 * moment); a JPEG is decoded at a part of its size instead where the browser has ImageDecoder.
 */
async function shrunk(file: Blob, { width, height }: Size): Promise<ImageBitmap> {
  const resize: ImageBitmapOptions = { resizeWidth: width, resizeHeight: height, resizeQuality: "high" };
  const frame = await smallFrame(file, Math.max(width, height));
  if (frame === null) return createImageBitmap(file, { ...resize, imageOrientation: "from-image" });
  try {
    return await createImageBitmap(frame, resize);
  } finally {
    frame.close();
  }
}

/** A JPEG's transform can be run at n eighths of its size; the least whose longer side is at least `longest`. */
export function eighths(size: Size, longest: number): number {
  return Math.min(8, Math.max(1, Math.ceil((8 * longest) / Math.max(size.width, size.height))));
}

async function smallFrame(file: Blob, longest: number): Promise<VideoFrame | null> {
  const start = new Uint8Array(await file.slice(0, 2).arrayBuffer());
  const size = await sizeOf(file);
  if (size === null || start[0] !== 0xff || start[1] !== 0xd8 || !("ImageDecoder" in globalThis)) return null;
  const n = eighths(size, longest);
  if (n === 8) return null;
  const decoder = new ImageDecoder({
    data: file.stream(),
    type: "image/jpeg",
    desiredWidth: Math.ceil((size.width * n) / 8),
    desiredHeight: Math.ceil((size.height * n) / 8),
  });
  try {
    return (await decoder.decode()).image;
  } catch {
    return null; // createImageBitmap has the last word on what can be decoded
  } finally {
    decoder.close();
  }
}

/**
 * A part of the upright picture, its longer side at most `longest` pixels. Decoded whole and drawn: createImageBitmap's own
 * rectangle does not lie on the upright picture in Chromium (156) where EXIF turns it.
 */
export async function decodePart(file: Blob, area: Rectangle, longest = Infinity): Promise<ImageBitmap> {
  const whole = await decodePicture(file);
  const { width, height } = fitted(area, longest);
  const context = contextOf(new OffscreenCanvas(width, height));
  context.imageSmoothingQuality = "high";
  context.drawImage(whole, area.x, area.y, area.width, area.height, 0, 0, width, height);
  whole.close();
  const part = context.canvas.transferToImageBitmap();
  free(context.canvas);
  return part;
}

/** A part of the picture as a PNG of its very pixels, so that the server knows the same part again. */
export async function cropOf(file: Blob, area: Rectangle): Promise<Blob> {
  return fileOf(onWhite(await decodePart(file, area)), { type: "image/png" });
}

export async function thumbnailOf(file: Blob): Promise<Blob> {
  const { width, height } = await measure(file);
  const bitmap = await shrunk(file, fitted({ width, height }, (THUMBNAIL * Math.max(width, height)) / height));
  return fileOf(onWhite(bitmap), { type: "image/webp", quality: 0.8 });
}

/** What shows through a transparent picture, as on the server. The bitmap is used up. */
export function onWhite(bitmap: ImageBitmap): OffscreenCanvas {
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const context = contextOf(canvas);
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return canvas;
}
