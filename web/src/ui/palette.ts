import type { Rgb } from "../canvas/scene";

/** Told apart by the colour-blind too, and bright enough on photographs. */
const COLOURS = ["#4da3ff", "#ffa62b", "#2ee6a8", "#ff6fb5", "#ffe14d", "#a78bfa", "#ff7a59", "#7dd3fc"] as const;

export function colourOf(index: number): string {
  return COLOURS[index % COLOURS.length] ?? COLOURS[0];
}

export function rgbOf(index: number): Rgb {
  const value = Number.parseInt(colourOf(index).slice(1), 16);
  return [(value >> 16) / 255, ((value >> 8) & 255) / 255, (value & 255) / 255];
}
