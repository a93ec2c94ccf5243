import type { Action } from "../app/actions";
import type { ImagePoint, Size, ViewPoint } from "../geometry/frames";
import { distance } from "../geometry/frames";
import type { PointLabel } from "../geometry/prompt";

/** A vertex of the outline, or, `between`, the middle of the edge that begins there. */
export interface VertexHit {
  readonly ring: number;
  readonly vertex: number;
  readonly between: boolean;
}

/** One pointer event, in the frames of the picture and of the canvas. */
export interface Gesture {
  readonly kind: "down" | "move" | "up" | "cancel";
  readonly at: ImagePoint;
  readonly view: ViewPoint;
  /** As in PointerEvent: 0 main, 1 middle, 2 secondary. */
  readonly button: number;
  readonly shift: boolean;
  readonly alt: boolean;
  readonly space: boolean;
  readonly touch: boolean;
  /** The prompt point under the pointer. */
  readonly hit: number | null;
  /** The place of the outline under the pointer. */
  readonly vertex: VertexHit | null;
  /** The outline whose vertices can be moved. */
  readonly outline: readonly (readonly ImagePoint[])[] | null;
  /** A polygon that is being drawn, corner by corner. */
  readonly drawn: readonly ImagePoint[];
  /** The pointer is on the drawn polygon's first corner, or again on its last. */
  readonly closes: boolean;
  /** Of brush and eraser, in ImagePx. */
  readonly radius: number;
  /** What a plain click adds. */
  readonly label: PointLabel;
  readonly image: Size;
}

export interface Pressed {
  readonly phase: "pressed" | "dragging";
  readonly start: Gesture;
  readonly last: ViewPoint;
  /** What was drawn so far, by the tools that draw. */
  readonly path?: readonly ImagePoint[];
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
/** A path goes on with a point only so many CSS pixels from its last one. */
const PATH_STEP = 2;
/** Far more than a hand draws in one go; a longer path is not taken further. */
const LONGEST_PATH = 4000;

export const MAIN = 0;
export const MIDDLE = 1;
export const SECONDARY = 2;
/** The other end of some pens (Pointer Events, section 5.1.1.3). */
export const PEN_ERASER = 5;

export const stay = (state: ToolState, ...actions: Action[]): Outcome => ({ state, actions });

/** The path of a press. */
export const begun = (gesture: Gesture): Pressed & { readonly path: readonly ImagePoint[] } => ({
  phase: "pressed",
  start: gesture,
  last: gesture.view,
  path: [gesture.at],
});

/** The path with the pointer's place, where that is far enough from its end; `state` itself where it is not. */
export function drawnOn(state: Pressed, gesture: Gesture): Pressed {
  const path = state.path ?? [];
  if (distance(state.last, gesture.view) < PATH_STEP || path.length >= LONGEST_PATH) return state;
  return { ...state, phase: "dragging", last: gesture.view, path: [...path, gesture.at] };
}
