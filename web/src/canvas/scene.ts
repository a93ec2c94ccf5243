import type { Camera } from "../geometry/camera";
import type { Stroke } from "../geometry/edit";
import type { ImageBox, ImagePoint, Size } from "../geometry/frames";
import type { PlacedLogits, Rectangle } from "../geometry/mask";
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
  /** What is being drawn: a stroke with its radius in ImagePx, or, of radius 0, a line. */
  readonly stroke: (Stroke & { readonly erase: boolean }) | null;
  /** The brush at the pointer. */
  readonly brush: (Stroke & { readonly erase: boolean }) | null;
  /** Rings whose vertices can be moved. */
  readonly outline: readonly (readonly ImagePoint[])[];
  /** The part of the picture that was encoded by itself. */
  readonly region: Rectangle | null;
  /** Where the interactive model looks. */
  readonly looking: Rectangle | null;
}
