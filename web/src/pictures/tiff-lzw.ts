const CLEAR = 256;
const END = 257;
const FIRST = 258;
const MOST_CODES = 4096;

/**
 * TIFF's LZW (TIFF 6.0, section 13: codes from the high bit on, one bit wider one code early). At most `most` bytes come
 * out; damaged codes raise a RangeError. geotiff's own decoder does not end on some of them (3.0.5).
 */
export function unpackLzw(packed: Uint8Array, most: number): Uint8Array<ArrayBuffer> {
  let unpacked = new Uint8Array(Math.min(most, 4 * packed.length + MOST_CODES));
  // Each entry's string lies in what is unpacked already: where it begins, and its length.
  const starts = new Uint32Array(MOST_CODES);
  const lengths = new Uint32Array(MOST_CODES);
  let [next, width, length] = [FIRST, 9, 0];
  let [bits, held] = [0, 0];
  let previous = CLEAR;
  for (let at = 0; ;) {
    while (held < width) {
      if (at === packed.length) return unpacked.subarray(0, length); // the end code is often missing
      bits = ((bits << 8) | (packed[at++] ?? 0)) & 0xff_ffff;
      held += 8;
    }
    const code = (bits >>> (held - width)) & ((1 << width) - 1);
    held -= width;
    if (code === END || length === most) return unpacked.subarray(0, length);
    if (code === CLEAR) {
      [next, width, previous] = [FIRST, 9, CLEAR];
      continue;
    }
    const start = length;
    if (unpacked.length < most && unpacked.length < length + MOST_CODES) {
      const larger = new Uint8Array(Math.min(most, 2 * unpacked.length));
      larger.set(unpacked);
      unpacked = larger;
    }
    if (code < CLEAR) unpacked[length++] = code;
    else {
      if (previous === CLEAR || code > next) throw new RangeError(`LZW code ${code} is not known`);
      const [from, count] =
        code === next
          ? [start - (lengths[previous] ?? 0), (lengths[previous] ?? 0) + 1]
          : [starts[code] ?? 0, lengths[code] ?? 0];
      const end = Math.min(length + count, most);
      for (let i = from; length < end; i++) unpacked[length++] = unpacked[i] ?? 0; // may run into what it writes
    }
    // The new entry is the previous string and the first byte of this one, which lie one behind the other.
    if (previous !== CLEAR && next < MOST_CODES) {
      starts[next] = start - (lengths[previous] ?? 0);
      lengths[next] = (lengths[previous] ?? 0) + 1;
      next++;
    }
    if (code < CLEAR) lengths[code] = 1;
    if (next + 1 >= 1 << width && width < 12) width++;
    previous = code;
  }
}
