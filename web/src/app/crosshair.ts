import { keepInSight, pan, toImage, toView } from "../geometry/camera";
import type { ImagePoint, Size } from "../geometry/frames";
import { clampToImage, imagePoint, isInside, viewPoint } from "../geometry/frames";
import type { PointLabel } from "../geometry/prompt";
import type { AppState, ViewState } from "./state";

/** The pointer of those who point with keys. */
export interface Crosshair {
  /** Of the picture that it lies on; on another one there is none. */
  readonly epoch: number;
  readonly at: ImagePoint;
  /** Pressed, as a mouse's button is while it drags. */
  readonly held: boolean;
}

export type CrosshairAction =
  /** By CSS pixels; the first one shows it where the pointer was last, or in the middle of the view. */
  | { readonly type: "crosshair/move"; readonly dx: number; readonly dy: number }
  /** A click of the chosen tool there: the hand of the crosshair (ui/crosshair-keys.ts) makes it. */
  | { readonly type: "crosshair/press"; readonly label: PointLabel }
  /** Pressed, and with the next one let go. */
  | { readonly type: "crosshair/hold" }
  | { readonly type: "crosshair/hide" };

/** In CSS pixels: how near the edge of what is free the picture begins to follow. */
const MARGIN = 24;

export function crosshairOf(state: AppState): Crosshair | null {
  return state.crosshair?.epoch === state.picture?.epoch ? state.crosshair : null;
}

export function reduceCrosshair(state: AppState, action: CrosshairAction): AppState {
  const crosshair = crosshairOf(state);
  switch (action.type) {
    case "crosshair/move":
      return move(state, action.dx, action.dy);
    case "crosshair/press":
      return state;
    case "crosshair/hold":
      return crosshair === null ? state : { ...state, crosshair: { ...crosshair, held: !crosshair.held } };
    case "crosshair/hide":
      return { ...state, crosshair: null };
  }
}

function move(state: AppState, dx: number, dy: number): AppState {
  const { picture, view } = state;
  if (picture?.size == null) return state;
  const before = crosshairOf(state);
  const from = before?.at ?? firstPlace(view, picture.size);
  const at = clampToImage(imagePoint(from.x + dx / view.camera.zoom, from.y + dy / view.camera.zoom), picture.size);
  const { x, y } = toView(view.camera, at);
  const { size, insets } = view;
  const right = Math.min(Math.max(insets.left + MARGIN - x, 0), size.width);
  const left = Math.max(x - (size.width - insets.right - MARGIN), 0);
  const down = Math.min(Math.max(insets.top + MARGIN - y, 0), size.height);
  const up = Math.max(y - (size.height - insets.bottom - MARGIN), 0);
  const camera = keepInSight(pan(view.camera, right - left, down - up), picture.size, size);
  const held = before?.held ?? false;
  return { ...state, crosshair: { epoch: picture.epoch, at, held }, view: { ...view, camera, pointer: at } };
}

function firstPlace({ pointer, camera, size, insets }: ViewState, image: Size): ImagePoint {
  if (pointer !== null && isInside(pointer, image)) return pointer;
  const [x, y] = [insets.left + size.width - insets.right, insets.top + size.height - insets.bottom];
  return toImage(camera, viewPoint(x / 2, y / 2));
}
