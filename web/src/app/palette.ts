import type { Label } from "./workspace";

/** Told apart by the colour-blind too, and bright enough on photographs. */
const COLOURS = ["#4da3ff", "#ffa62b", "#2ee6a8", "#ff6fb5", "#ffe14d", "#a78bfa", "#ff7a59", "#7dd3fc"] as const;

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
