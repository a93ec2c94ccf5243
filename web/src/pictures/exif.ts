import { textAt } from "./window";

const ORIENTATION = 0x0112;

/** Whether EXIF lays the picture on its side (orientations 5 to 8). `view` is the TIFF block, without "Exif\0\0". */
export function isOnItsSide(view: DataView): boolean {
  if (view.byteLength < 8) return false;
  const order = textAt(view, 0, 2);
  if (order !== "II" && order !== "MM") return false;
  const little = order === "II";
  const start = view.getUint32(4, little);
  if (start + 2 > view.byteLength) return false;
  const entries = view.getUint16(start, little);
  for (let i = 0; i < entries; i++) {
    const at = start + 2 + i * 12;
    if (at + 12 > view.byteLength) return false;
    if (view.getUint16(at, little) !== ORIENTATION) continue;
    const orientation = view.getUint16(at + 8, little);
    return orientation >= 5 && orientation <= 8;
  }
  return false;
}
