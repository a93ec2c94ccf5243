import type { GeoTIFF, GeoTIFFImage, TypedArray } from "geotiff";

import { colourOf8Bits, rangeOf, stretched } from "./tiff-colours";
import type { Colours } from "./tiff-colours";

/** Pixels of the largest page that is read. */
const MOST_PIXELS = 120_000_000;
/** Bytes of a page's values, and of one strip or tile. */
export const MOST_BYTES = 1024 ** 3;

/** PhotometricInterpretation */
const [WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, CMYK, YCBCR] = [0, 1, 2, 3, 5, 6];
/** SampleFormat: whole numbers without a sign; 2 has one, 3 a point. */
const UNSIGNED = 1;
const FLOAT = 3;
const JPEG = 7;
/** NewSubfileType: a smaller copy of another page, or its transparency mask. */
const COPY_OR_MASK = 0b101;

/** Why a TIFF or a page of it cannot be read; `message` says what it has that is not known. */
export class TiffError extends Error {
  constructor(
    readonly code: "tiff_unreadable" | "tiff_too_large",
    detail: string,
    options?: ErrorOptions,
  ) {
    super(detail, options);
  }
}

export interface TiffPage extends Colours {
  readonly width: number;
  readonly height: number;
  /** TIFF 6.0's tag 274, 1 to 8; it has not been applied. */
  readonly orientation: number;
}

/** geotiff reads lists that lie apart in the wrong byte order unless it reads them at once (3.0.5, geotiff.js issue 535). */
export function prepared(tiff: GeoTIFF): GeoTIFF {
  tiff.parser.eager = true;
  return tiff;
}

/**
 * The numbers of the pages to show, at most `most`: what is only a smaller copy or a mask of another page is none. Raises
 * `TiffError`.
 */
export async function pagesOf(tiff: GeoTIFF, most: number): Promise<number[]> {
  const pages: number[] = [];
  const seen = new Set<number>();
  for (let at = 0, next = tiff.firstIFDOffset; next !== 0; at++) {
    if (seen.has(next)) throw new TiffError("tiff_unreadable", "its list of pages has no end");
    if (at >= most) throw new TiffError("tiff_too_large", `more than ${most} pages`);
    seen.add(next);
    const { fileDirectory } = await tiff.getImage(at);
    if ((((await fileDirectory.loadValue("NewSubfileType")) ?? 0) & COPY_OR_MASK) === 0) pages.push(at);
    next = fileDirectory.nextIFDByteOffset;
  }
  if (pages.length === 0) throw new TiffError("tiff_unreadable", "it has no pages");
  return pages;
}

/**
 * One page in colours. Eight bits are shown as they are; other grey or RGB values are stretched, all channels alike, so that
 * 0.1 % of them lie below black and 0.1 % above white. What is transparent shows white, as on the server. Raises `TiffError`.
 */
export async function readPage(tiff: GeoTIFF, at: number): Promise<TiffPage> {
  try {
    const image = await tiff.getImage(at);
    const [width, height] = [image.getWidth(), image.getHeight()];
    const blocks = image.getTileWidth() * image.getTileHeight(); // what is unpacked at once
    const bytes = Math.max(width * height, blocks) * image.getBytesPerPixel();
    if (width * height > MOST_PIXELS || bytes > MOST_BYTES)
      throw new TiffError("tiff_too_large", `${width} × ${height}`);
    const orientation = (await image.fileDirectory.loadValue("Orientation")) ?? 1;
    return { width, height, orientation, ...(await coloursOf(image)) };
  } catch (cause) {
    if (cause instanceof TiffError) throw cause;
    throw new TiffError("tiff_unreadable", cause instanceof Error ? cause.message : "", { cause });
  }
}

interface Layout {
  readonly photometric: number;
  readonly bits: number;
  readonly format: number;
  readonly samples: number;
  /** TIFF 6.0's ExtraSamples of the fourth channel: 1 the colours are multiplied by it, 2 they are not; 0 something else. */
  readonly opacity: number;
}

async function layoutOf(image: GeoTIFFImage): Promise<Layout> {
  const { fileDirectory } = image;
  const extra = await fileDirectory.loadValue("ExtraSamples");
  const layout = {
    photometric: Number(await fileDirectory.loadValue("PhotometricInterpretation")),
    bits: image.getBitsPerSample(),
    format: image.getSampleFormat(),
    samples: image.getSamplesPerPixel(),
    opacity: extra === undefined ? 0 : (Array.from(extra as ArrayLike<number>)[0] ?? 0),
  };
  const refusal = await refusalOf(image, layout);
  if (refusal !== null) throw new TiffError("tiff_unreadable", refusal);
  return layout;
}

/** What geotiff would read wrongly, or not at all. */
async function refusalOf(image: GeoTIFFImage, { photometric, bits, format, samples }: Layout): Promise<string | null> {
  if (![WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, CMYK, YCBCR].includes(photometric))
    return `colour space ${photometric}`;
  if (format > FLOAT) return `sample format ${format}`;
  const packed = photometric <= PALETTE && samples === 1 ? [1, 2, 4] : [];
  const deep = photometric <= RGB ? [16, 32, 64] : photometric === PALETTE ? [16] : [];
  if (![...packed, 8, ...deep].includes(bits)) return `${bits} bits of ${samples}`;
  const predictor = (await image.fileDirectory.loadValue("Predictor")) ?? 1;
  if (!image.littleEndian && predictor !== 1 && bits > 8) return `big-endian, predictor ${predictor}`;
  const compression = await image.fileDirectory.loadValue("Compression");
  if (photometric === YCBCR && compression !== JPEG) return "YCbCr that is not JPEG";
  return null;
}

async function coloursOf(image: GeoTIFFImage): Promise<Colours> {
  const layout = await layoutOf(image);
  const { photometric, bits, format, samples, opacity } = layout;
  if (photometric === PALETTE || photometric === YCBCR) {
    return { channels: 3, values: Uint8ClampedArray.from(await image.readRGB({ interleave: true })) };
  }
  // Three channels and more are often called grey.
  const read = photometric === CMYK ? 4 : photometric === RGB || samples >= 3 ? 3 : 1;
  const hasOpacity = photometric === RGB && samples === 4 && opacity > 0 && bits === 8;
  const wanted = Array.from({ length: read + (hasOpacity ? 1 : 0) }, (_, i) => i);
  const values: TypedArray = await image.readRasters({ interleave: true, samples: wanted });
  const isWhole = format === UNSIGNED && bits <= 8;
  if (isWhole && bits === 8) {
    const kind = photometric === CMYK ? "ink" : photometric === WHITE_IS_ZERO ? "inverted" : "light";
    return colourOf8Bits(values, wanted.length, kind, hasOpacity ? opacity : 0);
  }
  const { low, high } = isWhole ? { low: 0, high: 2 ** bits - 1 } : rangeOf(values, image.getGDALNoData());
  const [black, white] = photometric === WHITE_IS_ZERO ? [high, low] : [low, high];
  return { channels: read === 1 ? 1 : 3, values: stretched(values, black, white) };
}
