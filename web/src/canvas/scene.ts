import type { Camera } from "../geometry/camera";
import type { ImageBox, Size } from "../geometry/frames";
import type { Logits } from "../geometry/mask";
import type { PromptPoint } from "../geometry/prompt";
import type { Placement } from "../geometry/resize";

export type Rgb = readonly [red: number, green: number, blue: number];

/** How one mask is painted; colour 0..1, line in CSS pixels. */
export interface PaintedMask {
  readonly logits: Logits;
  readonly colour: Rgb;
  readonly fill: number;
  readonly line: number;
}

/** Everything that the canvas shows, as data. */
export interface Scene {
  readonly camera: Camera;
  readonly view: Size;
  readonly picture: Size | null;
  readonly placement: Placement | null;
  readonly threshold: number;
  readonly masks: readonly PaintedMask[];
  readonly points: readonly PromptPoint[];
  readonly boxes: readonly ImageBox[];
}
