/** Hand-made headers of pictures, as small as their formats allow. */
export function jpeg(width: number, height: number, orientation?: number, padding = 0): Uint8Array<ArrayBuffer> {
  const exif = orientation === undefined ? [] : [0xff, 0xe1, 0, 34, ...ascii("Exif\0\0"), ...exifBlock(orientation)];
  const filler: number[] = [];
  for (let left = padding; left > 0; left -= 65_533) {
    const length = Math.min(left, 65_533);
    filler.push(0xff, 0xe2, ...big16(length + 2), ...new Array<number>(length).fill(0));
  }
  const frame = [0xff, 0xc2, 0, 11, 8, ...big16(height), ...big16(width), 1, 1, 0x11, 0];
  return new Uint8Array([0xff, 0xd8, ...exif, ...filler, ...frame, 0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0, 0xff, 0xd9]);
}

export function png(width: number, height: number, orientation?: number): Uint8Array<ArrayBuffer> {
  const chunk = (type: string, data: number[]): number[] => [
    ...big32(data.length),
    ...ascii(type),
    ...data,
    0,
    0,
    0,
    0,
  ];
  const exif = orientation === undefined ? [] : chunk("eXIf", exifBlock(orientation));
  const header = chunk("IHDR", [...big32(width), ...big32(height), 8, 2, 0, 0, 0]);
  return new Uint8Array([0x89, ...ascii("PNG\r\n\x1a\n"), ...header, ...exif, ...chunk("IDAT", [])]);
}

/** Big-endian, one entry; 26 bytes. */
function exifBlock(orientation: number): number[] {
  return [
    ...ascii("MM\0*"),
    ...big32(8),
    0,
    1,
    ...big16(0x112),
    0,
    3,
    ...big32(1),
    ...big16(orientation),
    0,
    0,
    ...big32(0),
  ];
}

export const ascii = (text: string): number[] => Array.from(text, (letter) => letter.charCodeAt(0));
export const big16 = (value: number): number[] => [(value >> 8) & 255, value & 255];
export const big32 = (value: number): number[] => [...big16(value >>> 16), ...big16(value)];
export const little16 = (value: number): number[] => big16(value).reverse();
export const little32 = (value: number): number[] => big32(value).reverse();
