import type { GeoTIFF, GeoTIFFImage, TypedArray } from "geotiff";

/** Pixels of the largest page that is read; its values, its colours and its PNG are in memory together. */
const MOST_PIXELS = 120_000_000;
/** Share of the values that is darker than black, and of those that are lighter than white. */
const CLIPPED = 0.001;
/** Values that the range is taken from. */
const SAMPLED = 200_000;

const WHITE_IS_ZERO = 0;
const BLACK_IS_ZERO = 1;
const RGB = 2;
const UNSIGNED = 1;
/** NewSubfileType: a smaller copy of another page, or its transparency mask. */
const COPY_OR_MASK = 0b101;

/** Why a TIFF cannot be read; `message` says what it has that is not known. */
export class TiffError extends Error {
  constructor(
    readonly code: "tiff_unreadable" | "tiff_too_large",
    detail: string,
    options?: ErrorOptions,
  ) {
    super(detail, options);
  }
}

export interface TiffPage {
  readonly width: number;
  readonly height: number;
  /** RGBA, not premultiplied, as stored: `orientation` has not been applied. */
  readonly pixels: Uint8ClampedArray<ArrayBuffer>;
  /** TIFF 6.0's tag 274, 1 to 8. */
  readonly orientation: number;
}

/** The numbers of the pages to show: what is only a smaller copy or a mask of another page is none. Raises `TiffError`. */
export async function pagesOf(tiff: GeoTIFF): Promise<number[]> {
  const pages: number[] = [];
  const count = await tiff.getImageCount();
  for (let at = 0; at < count; at++) {
    const { fileDirectory } = await tiff.getImage(at);
    const kind = (await fileDirectory.loadValue("NewSubfileType")) ?? 0;
    if ((kind & COPY_OR_MASK) === 0) pages.push(at);
  }
  if (pages.length === 0) throw new TiffError("tiff_unreadable", "It has no pages.");
  return pages;
}

/**
 * One page in colours. Eight bits are shown as they are; other grey or RGB values are stretched so that 0.1 % of them lie
 * below black and 0.1 % above white, the same way for all channels. Raises `TiffError`.
 */
export async function readPage(tiff: GeoTIFF, at: number): Promise<TiffPage> {
  const image = await tiff.getImage(at);
  const [width, height] = [image.getWidth(), image.getHeight()];
  if (width * height > MOST_PIXELS) throw new TiffError("tiff_too_large", `${width} × ${height}`);
  try {
    const orientation = (await image.fileDirectory.loadValue("Orientation")) ?? 1;
    return { width, height, orientation, pixels: await coloursOf(image, width * height) };
  } catch (cause) {
    throw new TiffError("tiff_unreadable", cause instanceof Error ? cause.message : "", { cause });
  }
}

async function coloursOf(image: GeoTIFFImage, count: number): Promise<Uint8ClampedArray<ArrayBuffer>> {
  const photometric = Number(await image.fileDirectory.loadValue("PhotometricInterpretation"));
  const isPlain = [WHITE_IS_ZERO, BLACK_IS_ZERO, RGB].includes(photometric);
  if (!isPlain) return rgba(await image.readRGB({ interleave: true }), 3, count);
  const stored = image.getSamplesPerPixel();
  const isRgb = photometric === RGB || stored >= 3; // three channels and more are often called grey
  const bits = image.getBitsPerSample();
  const asIs = bits === 8 && image.getSampleFormat() === UNSIGNED;
  const hasAlpha = asIs && photometric === RGB && stored === 4 && (await hasOpacity(image));
  const samples = isRgb ? (hasAlpha ? [0, 1, 2, 3] : [0, 1, 2]) : [0];
  const values: TypedArray = await image.readRasters({ interleave: true, samples });
  if (asIs && photometric !== WHITE_IS_ZERO) return rgba(values, samples.length, count);
  const isSmall = bits <= 8 && image.getSampleFormat() === UNSIGNED;
  const { low, high } = isSmall ? { low: 0, high: 2 ** bits - 1 } : rangeOf(values, image.getGDALNoData());
  const [black, white] = photometric === WHITE_IS_ZERO ? [high, low] : [low, high];
  return rgba(stretched(values, black, white), samples.length, count);
}

/** Whether the fourth channel is opacity (TIFF 6.0, ExtraSamples 1 or 2). */
async function hasOpacity(image: GeoTIFFImage): Promise<boolean> {
  const extra = await image.fileDirectory.loadValue("ExtraSamples");
  const [first] = extra === undefined ? [] : Array.from(extra as ArrayLike<number>);
  return first === 1 || first === 2;
}

/** The values between which nearly all lie; numbers that are none, and those that stand for nothing, do not count. */
function rangeOf(values: TypedArray, nothing: number | null): { low: number; high: number } {
  const step = Math.max(1, Math.floor(values.length / SAMPLED));
  const some: number[] = [];
  for (let i = 0; i < values.length; i += step) {
    const value = values[i] ?? NaN;
    if (Number.isFinite(value) && value !== nothing) some.push(value);
  }
  const sorted = Float64Array.from(some).sort();
  const last = sorted.length - 1;
  const low = sorted[Math.floor(CLIPPED * last)] ?? 0;
  const high = sorted[Math.ceil((1 - CLIPPED) * last)] ?? 0;
  return { low, high };
}

/** `black` becomes 0 and `white` 255; a picture of one value is grey, and what is no number is black. */
function stretched(values: TypedArray, black: number, white: number): Uint8ClampedArray {
  const colours = new Uint8ClampedArray(values.length);
  const scale = 255 / (white - black);
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? NaN;
    colours[i] = black === white && value === black ? 128 : (value - black) * scale; // clamped; NaN becomes 0
  }
  return colours;
}

function rgba(colours: ArrayLike<number>, channels: number, count: number): Uint8ClampedArray<ArrayBuffer> {
  const pixels = new Uint8ClampedArray(4 * count);
  const [green, blue] = channels === 1 ? [0, 0] : [1, 2];
  for (let i = 0, at = 0; i < pixels.length; i += 4, at += channels) {
    pixels[i] = colours[at] ?? 0;
    pixels[i + 1] = colours[at + green] ?? 0;
    pixels[i + 2] = colours[at + blue] ?? 0;
    pixels[i + 3] = channels === 4 ? (colours[at + 3] ?? 255) : 255;
  }
  return pixels;
}
