/** COCO's run lengths, as the API sends them and the page writes them. */
export interface Rle {
  readonly size: readonly [height: number, width: number];
  readonly counts: string;
}

export interface Mask {
  readonly width: number;
  readonly height: number;
  /** 0 and 1, row-major. */
  readonly pixels: Uint8Array;
}

/** Written for the tests from the format's description, not taken from the page that it judges. */
export function decodeRle(rle: Rle): Mask {
  const [height, width] = rle.size;
  const pixels = new Uint8Array(width * height);
  let start = 0;
  runsOf(rle.counts).forEach((run, index) => {
    if (index % 2 === 1) {
      for (let at = start; at < start + run; at++) pixels[(at % height) * width + Math.floor(at / height)] = 1;
    }
    start += run;
  });
  if (start !== width * height) throw new Error(`The runs cover ${start} of ${width * height} pixels.`);
  return { width, height, pixels };
}

/** Five bits a character from "0" on, low bits first, 32 = more follow, 16 in the last = negative. */
function runsOf(counts: string): number[] {
  const runs: number[] = [];
  let value = 0;
  let weight = 1;
  for (const character of counts) {
    const code = character.charCodeAt(0) - 48;
    value += (code % 32) * weight;
    weight *= 32;
    if (code >= 32) continue;
    const signed = code >= 16 ? value - weight : value;
    runs.push(runs.length > 2 ? signed + (runs.at(-2) ?? 0) : signed);
    [value, weight] = [0, 1];
  }
  return runs;
}

export function areaOf(mask: Mask): number {
  return mask.pixels.reduce((sum, pixel) => sum + pixel, 0);
}

/** [x, y, width, height] of the mask's pixels. */
export function boundsOf({ pixels, width }: Mask): [number, number, number, number] {
  const inside = [...pixels.keys()].filter((at) => pixels[at] === 1);
  const columns = inside.map((at) => at % width);
  const rows = inside.map((at) => Math.floor(at / width));
  const [left, right] = extent(columns);
  const [top, bottom] = extent(rows);
  return [left, top, right - left + 1, bottom - top + 1];
}

function extent(values: number[]): [number, number] {
  return values.reduce<[number, number]>(
    ([least, most], value) => [Math.min(least, value), Math.max(most, value)],
    [Infinity, -Infinity],
  );
}

export function unionOf(first: Mask, ...others: Mask[]): Mask {
  const pixels = first.pixels.map((pixel, at) => (pixel === 1 || others.some((mask) => mask.pixels[at] === 1) ? 1 : 0));
  return { ...first, pixels };
}

/** Intersection over union; two empty masks agree. */
export function iouOf(a: Mask, b: Mask): number {
  if (a.width !== b.width || a.height !== b.height) {
    throw new Error(`Masks of ${a.width} x ${a.height} and ${b.width} x ${b.height} cannot be compared.`);
  }
  let both = 0;
  let either = 0;
  a.pixels.forEach((pixel, at) => {
    const other = b.pixels[at] === 1;
    if (pixel === 1 && other) both++;
    if (pixel === 1 || other) either++;
  });
  return either === 0 ? 1 : both / either;
}
