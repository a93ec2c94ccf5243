/** IEEE 754 half precision, read by hand: Float16Array is not in every browser yet. */
export function halfToFloat(bits: number): number {
  const sign = (bits & 0x8000) === 0 ? 1 : -1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

export function halvesToFloats(halves: Uint16Array): Float32Array {
  return Float32Array.from(halves, halfToFloat);
}

const scratch = new DataView(new ArrayBuffer(4));

/** Rounds to nearest, ties to even, as numpy does. */
export function floatToHalf(value: number): number {
  scratch.setFloat32(0, value);
  const bits = scratch.getUint32(0);
  const sign = (bits >>> 16) & 0x8000;
  const exponent = (bits >>> 23) & 0xff;
  const fraction = bits & 0x7fffff;
  if (exponent === 255) return sign | 0x7c00 | (fraction === 0 ? 0 : 0x200);
  const shifted = exponent - 127 + 15;
  if (shifted >= 31) return sign | 0x7c00;
  if (shifted < -10) return sign;
  const significand = shifted > 0 ? fraction : fraction | 0x800000;
  const drop = shifted > 0 ? 13 : 14 - shifted;
  const kept = significand >>> drop;
  const rest = significand & (2 ** drop - 1);
  const middle = 2 ** (drop - 1);
  const up = rest > middle || (rest === middle && (kept & 1) === 1) ? 1 : 0;
  return sign | ((shifted > 0 ? shifted << 10 : 0) + kept + up);
}
