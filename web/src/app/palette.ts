import type { Label } from "./workspace";

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

/** An object of a class has the class's colour. */
export function objectColour(
  { label, colour }: { readonly label: string; readonly colour: number },
  labels: readonly Label[],
): number {
  return labels.find(({ name }) => name === label)?.colour ?? colour;
}

/** 0..1 */
export function rgbOf(index: number): readonly [red: number, green: number, blue: number] {
  const value = Number.parseInt(colourOf(index).slice(1), 16);
  return [(value >> 16) / 255, ((value >> 8) & 255) / 255, (value & 255) / 255];
}
