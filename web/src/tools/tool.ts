import type { Action } from "../app/actions";
import type { ImagePoint, Size, ViewPoint } from "../geometry/frames";
import type { PointLabel } from "../geometry/prompt";

/** One pointer event, in the frames of the picture and of the canvas. */
export interface Gesture {
  readonly kind: "down" | "move" | "up" | "cancel";
  readonly at: ImagePoint;
  readonly view: ViewPoint;
  /** As in PointerEvent: 0 main, 1 middle, 2 secondary. */
  readonly button: number;
  readonly shift: boolean;
  readonly space: boolean;
  readonly touch: boolean;
  /** The prompt point under the pointer. */
  readonly hit: number | null;
  /** What a plain click adds. */
  readonly label: PointLabel;
  readonly image: Size;
}

export interface Pressed {
  readonly phase: "pressed" | "dragging";
  readonly start: Gesture;
  readonly last: ViewPoint;
}

/** null: no button is held. */
export type ToolState = Pressed | null;

export interface Outcome {
  readonly state: ToolState;
  readonly actions: readonly Action[];
}

/** A tiny state machine: no DOM, no store; what it wants done it returns. */
export type Tool = (state: ToolState, gesture: Gesture) => Outcome;

/** Movement in CSS pixels below which a press is a click. */
export const CLICK_SLOP = 4;

export const MAIN = 0;
export const MIDDLE = 1;
export const SECONDARY = 2;

export const stay = (state: ToolState, ...actions: Action[]): Outcome => ({ state, actions });
