import type { Rgb } from "../canvas/scene";

/** Told apart by the colour-blind too (tests/palette.test.ts), and bright enough on photographs. */
export const COLOURS = [
  "#4da3ff",
  "#ffa62b",
  "#a3ffb2",
  "#a852ff",
  "#f5322b",
  "#ffa3e0",
  "#b8ff29",
  "#ff2970",
] as const;

export function colourOf(index: number): string {
  return COLOURS[index % COLOURS.length] ?? COLOURS[0];
}

export function rgbOf(index: number): Rgb {
  const value = Number.parseInt(colourOf(index).slice(1), 16);
  return [(value >> 16) / 255, ((value >> 8) & 255) / 255, (value & 255) / 255];
}
