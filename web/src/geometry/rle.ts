/** COCO's run lengths: column-major, the first run counts zeros. `counts` is COCO's compressed string. */
export interface Rle {
  readonly size: readonly [height: number, width: number];
  readonly counts: string;
}

/** Run lengths of a row-major mask of 0 and 1, read column by column. */
export function runLengths(mask: Uint8Array, width: number, height: number): number[] {
  const runs: number[] = [];
  let current = 0;
  let length = 0;
  for (let x = 0; x < width; x++) {
    for (let i = x, end = width * height; i < end; i += width) {
      const value = mask[i] === 0 ? 0 : 1;
      if (value === current) length++;
      else {
        runs.push(length);
        current = value;
        length = 1;
      }
    }
  }
  runs.push(length);
  return runs;
}

/** COCO's LEB128-like code: five bits a character from '0' on; from the fourth run on the difference to two runs before. */
export function compressRuns(runs: readonly number[]): string {
  let text = "";
  for (let i = 0; i < runs.length; i++) {
    let value = (runs[i] ?? 0) - (i > 2 ? (runs[i - 2] ?? 0) : 0);
    for (let more = true; more;) {
      let bits = value & 0x1f;
      value >>= 5;
      more = (bits & 0x10) !== 0 ? value !== -1 : value !== 0;
      if (more) bits |= 0x20;
      text += String.fromCharCode(bits + 48);
    }
  }
  return text;
}

export function decompressRuns(text: string): number[] {
  const runs: number[] = [];
  for (let at = 0; at < text.length;) {
    let value = 0;
    let shift = 0;
    let bits: number;
    do {
      bits = text.charCodeAt(at++) - 48;
      value |= (bits & 0x1f) << shift;
      shift += 5;
    } while ((bits & 0x20) !== 0 && at < text.length);
    if ((bits & 0x10) !== 0 && shift < 32) value |= -1 << shift;
    if (runs.length > 2) value += runs[runs.length - 2] ?? 0;
    runs.push(value);
  }
  return runs;
}

export function encodeRle(mask: Uint8Array, width: number, height: number): Rle {
  return { size: [height, width], counts: compressRuns(runLengths(mask, width, height)) };
}

/** The row-major mask of 0 and 1. */
export function decodeRle(rle: Rle): Uint8Array {
  const [height, width] = rle.size;
  const mask = new Uint8Array(width * height);
  let position = 0;
  decompressRuns(rle.counts).forEach((length, index) => {
    if (index % 2 === 1) {
      for (let i = position; i < position + length; i++) mask[(i % height) * width + Math.floor(i / height)] = 1;
    }
    position += length;
  });
  return mask;
}
