import type { ImageBox, ImagePoint } from "./frames";

/** 1 foreground, 0 background. */
export type PointLabel = 0 | 1;

export interface PromptPoint {
  readonly id: number;
  readonly at: ImagePoint;
  readonly label: PointLabel;
}

/** What a person asks for: points in the order they were made, and at most one box. */
export interface Prompt {
  readonly points: readonly PromptPoint[];
  readonly box: ImageBox | null;
}

export const EMPTY_PROMPT: Prompt = { points: [], box: null };

export function isEmpty(prompt: Prompt): boolean {
  return prompt.points.length === 0 && prompt.box === null;
}

/** How many things were said: a point is one, a box is one. */
export function promptSize(prompt: Prompt): number {
  return prompt.points.length + (prompt.box === null ? 0 : 1);
}

export function samePrompt(a: Prompt, b: Prompt): boolean {
  return (
    a.points.length === b.points.length &&
    a.points.every((point, i) => {
      const other = b.points[i];
      return other?.label === point.label && other.at.x === point.at.x && other.at.y === point.at.y;
    }) &&
    (a.box === b.box ||
      (a.box !== null &&
        b.box !== null &&
        a.box.x1 === b.box.x1 &&
        a.box.y1 === b.box.y1 &&
        a.box.x2 === b.box.x2 &&
        a.box.y2 === b.box.y2))
  );
}
