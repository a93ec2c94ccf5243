import { keepInSight, pan, toImage, toView } from "../geometry/camera";
import type { ImagePoint, Size } from "../geometry/frames";
import { boxBetween, clampToImage, distance, imagePoint, isInside, viewPoint } from "../geometry/frames";
import type { PointLabel } from "../geometry/prompt";
import { reduceDocument } from "./reduce-document";
import { docOf } from "./selectors";
import type { AppState, ViewState } from "./state";

/** The pointer of those who point with keys. */
export interface Crosshair {
  /** Of the picture that it lies on; on another one there is none. */
  readonly epoch: number;
  readonly at: ImagePoint;
  /** Where a box was begun. */
  readonly corner: ImagePoint | null;
}

export type CrosshairAction =
  /** By CSS pixels; the first one shows it where the pointer was last, or in the middle of the view. */
  | { readonly type: "crosshair/move"; readonly dx: number; readonly dy: number }
  /** A point there, or the point that is there taken back. */
  | { readonly type: "crosshair/press"; readonly label: PointLabel }
  /** A box's first corner, and then its second. */
  | { readonly type: "crosshair/corner" }
  | { readonly type: "crosshair/hide" };

/** In CSS pixels: how near a point is pressed, and how near the edge of what is free the picture begins to follow. */
const REACH = 9;
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
      return crosshair === null ? state : press(state, crosshair.at, action.label);
    case "crosshair/corner":
      return crosshair === null ? state : turnCorner(state, crosshair);
    case "crosshair/hide": {
      const view = crosshair?.corner == null ? state.view : { ...state.view, band: null };
      return { ...state, crosshair: null, view };
    }
  }
}

function move(state: AppState, dx: number, dy: number): AppState {
  const { picture, view } = state;
  if (picture?.size == null) return state;
  const before = crosshairOf(state);
  const from = before?.at ?? firstPlace(view, picture.size);
  const at = clampToImage(imagePoint(from.x + dx / view.camera.zoom, from.y + dy / view.camera.zoom), picture.size);
  const corner = before?.corner ?? null;
  const { x, y } = toView(view.camera, at);
  const { size, insets } = view;
  const right = Math.min(Math.max(insets.left + MARGIN - x, 0), size.width);
  const left = Math.max(x - (size.width - insets.right - MARGIN), 0);
  const down = Math.min(Math.max(insets.top + MARGIN - y, 0), size.height);
  const up = Math.max(y - (size.height - insets.bottom - MARGIN), 0);
  const camera = keepInSight(pan(view.camera, right - left, down - up), picture.size, size);
  const band = corner === null ? view.band : boxBetween(corner, at);
  return { ...state, crosshair: { epoch: picture.epoch, at, corner }, view: { ...view, camera, band, pointer: at } };
}

function firstPlace({ pointer, camera, size, insets }: ViewState, image: Size): ImagePoint {
  if (pointer !== null && isInside(pointer, image)) return pointer;
  const [x, y] = [insets.left + size.width - insets.right, insets.top + size.height - insets.bottom];
  return toImage(camera, viewPoint(x / 2, y / 2));
}

function press(state: AppState, at: ImagePoint, label: PointLabel): AppState {
  const { camera } = state.view;
  const place = toView(camera, at);
  const points = [...docOf(state).draft.prompt.points].reverse();
  const hit = points.find((point) => distance(toView(camera, point.at), place) <= REACH);
  return reduceDocument(state, hit ? { type: "point/remove", id: hit.id } : { type: "point/add", at, label });
}

function turnCorner(state: AppState, crosshair: Crosshair): AppState {
  const { at, corner } = crosshair;
  if (corner === null) return { ...state, crosshair: { ...crosshair, corner: at } };
  const box = boxBetween(corner, at);
  const ended = { ...state, crosshair: { ...crosshair, corner: null }, view: { ...state.view, band: null } };
  const isLarge = box.x2 - box.x1 >= 1 && box.y2 - box.y1 >= 1;
  return isLarge ? reduceDocument(ended, { type: "box/set", box }) : ended;
}
