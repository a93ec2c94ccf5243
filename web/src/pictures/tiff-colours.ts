/** Grey or RGB, 0 to 255, row by row, the channels of a pixel together. */
export interface Colours {
  readonly channels: 1 | 3;
  readonly values: Uint8ClampedArray;
}

/** Share of the values that is darker than black, and of those that are lighter than white. */
const CLIPPED = 0.001;
/** Values that the range is taken from. */
const SAMPLED = 200_000;
/** Multiples of it modulo 1 are spread evenly, and fall into no rhythm of rows and channels (Weyl's sequence). */
const GOLDEN = (Math.sqrt(5) - 1) / 2;

/** The values between which nearly all lie; numbers that are none, and those that stand for nothing, do not count. */
export function rangeOf(
  values: ArrayLike<number> & Iterable<number>,
  nothing: number | null,
): { low: number; high: number } {
  const count = Math.min(values.length, SAMPLED);
  const isAll = count === values.length;
  const some: number[] = [];
  for (let i = 0; i < count; i++) {
    const value = values[isAll ? i : Math.floor(((i * GOLDEN) % 1) * values.length)] ?? NaN;
    if (Number.isFinite(value) && value !== nothing) some.push(value);
  }
  const sorted = Float64Array.from(some).sort();
  const last = sorted.length - 1;
  const low = sorted[Math.floor(CLIPPED * last)] ?? 0;
  const high = sorted[Math.ceil((1 - CLIPPED) * last)] ?? 0;
  return low < high ? { low, high } : extremesOf(values, nothing); // a few bright spots on nothing
}

function extremesOf(values: Iterable<number>, nothing: number | null): { low: number; high: number } {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (!Number.isFinite(value) || value === nothing) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return low <= high ? { low, high } : { low: 0, high: 0 };
}

/** `black` becomes 0 and `white` 255; a picture of one value is grey, and what is no number is black. */
export function stretched(values: ArrayLike<number>, black: number, white: number): Uint8ClampedArray {
  const colours = new Uint8ClampedArray(values.length);
  const scale = 255 / (white - black);
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? NaN;
    colours[i] = black === white && value === black ? 128 : (value - black) * scale; // clamped; NaN becomes 0
  }
  return colours;
}

/**
 * Eight bits a channel as colours: `light` as it is, `inverted` 0 for white, `ink` cyan, magenta, yellow and black. `opacity`
 * tells of one more channel, as TIFF's ExtraSamples does; what shows through is white.
 */
export function colourOf8Bits(
  values: ArrayLike<number>,
  stored: number,
  kind: "light" | "inverted" | "ink",
  opacity: number,
): Colours {
  const channels = stored < 3 ? 1 : 3;
  const count = values.length / stored;
  const colours = new Uint8ClampedArray(channels * count);
  for (let i = 0; i < count; i++) {
    const last = values[i * stored + stored - 1] ?? 0;
    for (let channel = 0; channel < channels; channel++) {
      const value = values[i * stored + channel] ?? 0;
      const light = kind === "ink" ? ((255 - value) * (255 - last)) / 255 : kind === "inverted" ? 255 - value : value;
      const seen = opacity === 0 ? light : (opacity === 2 ? (light * last) / 255 : light) + 255 - last;
      colours[i * channels + channel] = seen;
    }
  }
  return { channels, values: colours };
}

/** RGBA for a canvas. */
export function rgba({ channels, values }: Colours): Uint8ClampedArray<ArrayBuffer> {
  const pixels = new Uint8ClampedArray((4 * values.length) / channels);
  const [green, blue] = channels === 1 ? [0, 0] : [1, 2];
  for (let i = 0, at = 0; i < pixels.length; i += 4, at += channels) {
    pixels[i] = values[at] ?? 0;
    pixels[i + 1] = values[at + green] ?? 0;
    pixels[i + 2] = values[at + blue] ?? 0;
    pixels[i + 3] = 255;
  }
  return pixels;
}
