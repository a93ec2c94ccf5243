import { describe, expect, it } from "vitest";

import { COLOURS, rgbOf } from "../src/app/palette";

type Triple = readonly [number, number, number];
type Matrix = readonly [Triple, Triple, Triple];

/** Machado, Oliveira, Fernandes 2009, severity 1.0, on linear RGB. */
const VISIONS: Readonly<Record<string, Matrix>> = {
  common: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  protanopia: [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
  deuteranopia: [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
  tritanopia: [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}; // prettier-ignore

const times = (matrix: Matrix, v: Triple): Triple =>
  matrix.map((row) => row[0] * v[0] + row[1] * v[1] + row[2] * v[2]) as unknown as Triple;

const linear = (value: number): number => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);

/** CIE L*a*b* (D65) of linear sRGB. */
function lab(rgb: Triple): Triple {
  const clamped = rgb.map((value) => Math.min(Math.max(value, 0), 1)) as unknown as Triple;
  const [x, y, z] = times(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.072175], [0.0193339, 0.119192, 0.9503041]],
    clamped,
  ); // prettier-ignore
  const f = (t: number): number => (t > 216 / 24389 ? Math.cbrt(t) : (t * (24389 / 27) + 16) / 116);
  const [fx, fy, fz] = [f(x / 0.95047), f(y), f(z / 1.08883)];
  return [116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)];
}

/** CIE76 difference of two colours of the palette, as a vision has them. */
function difference(vision: Matrix, i: number, j: number): number {
  const [a, b] = [i, j].map((index) => lab(times(vision, rgbOf(index).map(linear) as unknown as Triple)));
  return a && b ? Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]) : 0;
}

describe("the palette", () => {
  const all = [...COLOURS.keys()];

  it.each(Object.entries(VISIONS))("keeps neighbours well apart, and all distinct: %s", (_, vision) => {
    const close = all.flatMap((i) =>
      all.slice(0, i).flatMap((j) => {
        const near = i - j <= 2 || i - j >= COLOURS.length - 2;
        const apart = difference(vision, i, j);
        return apart < (near ? 25 : 10)
          ? [`${COLOURS[i]} ${COLOURS[j]} ${near ? "neighbours" : ""} ${apart.toFixed(1)}`]
          : [];
      }),
    );
    expect(close).toEqual([]);
  });
});
