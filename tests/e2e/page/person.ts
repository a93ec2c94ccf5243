import type { Mask } from "./masks";

/** Where a person would click next: inside the largest connected error, as far from its edge as can be (SAM's protocol). */
export function nextClick(wanted: Mask, found: Mask | null): { x: number; y: number; missing: boolean } | null {
  const { width, height } = wanted;
  const has = (mask: Mask | null, at: number): number => mask?.pixels[at] ?? 0;
  const error = Uint8Array.from({ length: width * height }, (_, at) =>
    has(wanted, at) === has(found, at) ? 0 : has(wanted, at) === 1 ? 1 : 2,
  );
  const inside = largestPart(error, width, height);
  if (inside === null) return null;
  const distance = cityDistance(inside, width, height);
  const at = distance.reduce((best, value, i) => (value > (distance[best] ?? 0) ? i : best), 0);
  return { x: at % width, y: Math.floor(at / width), missing: error[at] === 1 };
}

/** The largest four-connected part of one value, as 0 and 1. */
function largestPart(values: Uint8Array, width: number, height: number): Uint8Array | null {
  const labels = new Int32Array(values.length);
  let [best, most, label] = [0, 0, 0];
  const stack: number[] = [];
  for (let start = 0; start < values.length; start++) {
    if (values[start] === 0 || labels[start] !== 0) continue;
    label += 1;
    let count = 0;
    labels[start] = label;
    stack.push(start);
    for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
      count += 1;
      const [x, y] = [at % width, Math.floor(at / width)];
      for (const [near, isThere] of [
        [at - 1, x > 0],
        [at + 1, x < width - 1],
        [at - width, y > 0],
        [at + width, y < height - 1],
      ] as const) {
        if (!isThere || labels[near] !== 0 || values[near] !== values[start]) continue;
        labels[near] = label;
        stack.push(near);
      }
    }
    if (count > most) [best, most] = [label, count];
  }
  return most === 0 ? null : Uint8Array.from(labels, (value) => (value === best ? 1 : 0));
}

/** Steps to the nearest pixel outside; the picture's edge is outside. */
function cityDistance(inside: Uint8Array, width: number, height: number): Int32Array {
  const out = new Int32Array(inside.length);
  const at = (x: number, y: number): number =>
    x < 0 || y < 0 || x >= width || y >= height ? 0 : (out[y * width + x] ?? 0);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (inside[y * width + x] === 1) out[y * width + x] = Math.min(at(x - 1, y), at(x, y - 1)) + 1;
    }
  }
  for (let y = height - 1; y >= 0; y--) {
    for (let x = width - 1; x >= 0; x--) {
      const i = y * width + x;
      out[i] = Math.min(out[i] ?? 0, Math.min(at(x + 1, y), at(x, y + 1)) + 1);
    }
  }
  return out;
}
