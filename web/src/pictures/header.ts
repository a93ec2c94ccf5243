import type { Size } from "../geometry/frames";
import { isOnItsSide } from "./exif";
import { ByteWindow, textAt } from "./window";

/**
 * Width and height in pixels of the upright picture (EXIF orientation applied), from the header alone: nothing is
 * decoded. JPEG, PNG, WebP, GIF and BMP; null for anything else and for damaged headers.
 */
export async function sizeOf(file: Blob): Promise<Size | null> {
  const bytes = new ByteWindow(file);
  const head = await bytes.at(0, Math.min(file.size, 32));
  if (head === null || head.byteLength < 26) return null;
  const size = await sizeBy(bytes, head);
  return size !== null && size.width > 0 && size.height > 0 ? size : null;
}

async function sizeBy(bytes: ByteWindow, head: DataView): Promise<Size | null> {
  if (head.getUint16(0) === 0xffd8) return jpegSize(bytes);
  if (textAt(head, 1, 3) === "PNG") return pngSize(bytes, head);
  if (textAt(head, 0, 4) === "RIFF" && textAt(head, 8, 4) === "WEBP") return webpSize(bytes);
  if (textAt(head, 0, 3) === "GIF") return { width: head.getUint16(6, true), height: head.getUint16(8, true) };
  if (textAt(head, 0, 2) === "BM") return bmpSize(head);
  return null;
}

function upright(size: Size, onItsSide: boolean): Size {
  return onItsSide ? { width: size.height, height: size.width } : size;
}

/** Frame headers; C4, C8 and CC are tables and an extension. */
const isFrame = (marker: number): boolean => marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);

/** ITU T.81, annex B: segments until the frame header. */
async function jpegSize(bytes: ByteWindow): Promise<Size | null> {
  let onItsSide = false;
  for (let offset = 2; ;) {
    const segment = await bytes.at(offset, 4);
    if (segment?.getUint8(0) !== 0xff) return null;
    const marker = segment.getUint8(1);
    if (marker === 0xff) {
      offset += 1; // a fill byte
      continue;
    }
    const length = segment.getUint16(2);
    if (length < 2 || marker === 0xda) return null;
    if (isFrame(marker)) {
      const frame = await bytes.at(offset + 5, 4);
      return frame && upright({ width: frame.getUint16(2), height: frame.getUint16(0) }, onItsSide);
    }
    if (marker === 0xe1) onItsSide ||= await exifTurns(bytes, offset + 4, length - 2);
    offset += 2 + length;
  }
}

async function exifTurns(bytes: ByteWindow, offset: number, length: number): Promise<boolean> {
  const block = await bytes.at(offset, length);
  if (block === null || length < 14) return false;
  const start = textAt(block, 0, 6) === "Exif\0\0" ? 6 : 0;
  return isOnItsSide(new DataView(block.buffer, block.byteOffset + start, length - start));
}

/** The chunk eXIf may turn the picture; it counts only before the pixels, as in browsers. */
async function pngSize(bytes: ByteWindow, head: DataView): Promise<Size | null> {
  if (textAt(head, 12, 4) !== "IHDR") return null;
  const size = { width: head.getUint32(16), height: head.getUint32(20) };
  for (let offset = 33; ;) {
    const chunk = await bytes.at(offset, 8);
    if (chunk === null) return size;
    const [length, type] = [chunk.getUint32(0), textAt(chunk, 4, 4)];
    if (type === "IDAT") return size;
    if (type === "eXIf") return upright(size, await exifTurns(bytes, offset + 8, Math.min(length, 65_536)));
    offset += 12 + length;
  }
}

async function webpSize(bytes: ByteWindow): Promise<Size | null> {
  const view = await bytes.at(12, 18);
  if (view === null) return null;
  switch (textAt(view, 0, 4)) {
    case "VP8 ":
      return { width: view.getUint16(14, true) & 0x3fff, height: view.getUint16(16, true) & 0x3fff };
    case "VP8L": {
      const bits = view.getUint32(9, true);
      return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
    }
    case "VP8X": {
      const width = (view.getUint32(12, true) & 0xffffff) + 1;
      const height = (view.getUint32(14, true) >>> 8) + 1;
      return { width, height };
    }
    default:
      return null;
  }
}

/** The old header holds 16-bit numbers; in the others a negative height means rows from the top. */
function bmpSize(head: DataView): Size {
  if (head.getUint32(14, true) === 12) return { width: head.getUint16(18, true), height: head.getUint16(20, true) };
  return { width: head.getInt32(18, true), height: Math.abs(head.getInt32(22, true)) };
}
