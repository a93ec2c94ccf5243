import type { Camera } from "../geometry/camera";
import type { ImageBox, Size } from "../geometry/frames";
import type { PlacedLogits } from "../geometry/mask";
import type { PromptPoint } from "../geometry/prompt";

export type Rgb = readonly [red: number, green: number, blue: number];

/** How one mask is painted; colour 0..1, line in CSS pixels. */
export interface PaintedMask {
  readonly logits: PlacedLogits;
  readonly colour: Rgb;
  readonly fill: number;
  readonly line: number;
}

/** Everything that the canvas shows, as data. */
export interface Scene {
  readonly camera: Camera;
  readonly view: Size;
  readonly picture: Size | null;
  readonly masks: readonly PaintedMask[];
  readonly points: readonly PromptPoint[];
  readonly boxes: readonly ImageBox[];
}
