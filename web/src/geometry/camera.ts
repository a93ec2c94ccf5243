import type { ImagePoint, Size, ViewPoint } from "./frames";
import { imagePoint, viewPoint } from "./frames";

/** view = image * zoom + offset. `zoom` is CSS pixels per image pixel. */
export interface Camera {
  readonly zoom: number;
  readonly x: number;
  readonly y: number;
}

export interface Insets {
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
  readonly left: number;
}

export const NO_INSETS: Insets = { top: 0, right: 0, bottom: 0, left: 0 };
const LARGEST_ZOOM = 64;
const VISIBLE_MARGIN = 80;

export function toView(camera: Camera, point: ImagePoint): ViewPoint {
  return viewPoint(point.x * camera.zoom + camera.x, point.y * camera.zoom + camera.y);
}

export function toImage(camera: Camera, point: ViewPoint): ImagePoint {
  return imagePoint((point.x - camera.x) / camera.zoom, (point.y - camera.y) / camera.zoom);
}

/** The whole picture, centred in what the panels leave free; small pictures are enlarged at most four times. */
export function fit(image: Size, view: Size, insets: Insets = NO_INSETS): Camera {
  const width = Math.max(view.width - insets.left - insets.right, 1);
  const height = Math.max(view.height - insets.top - insets.bottom, 1);
  const zoom = Math.min(width / image.width, height / image.height, 4);
  return {
    zoom,
    x: insets.left + (width - image.width * zoom) / 2,
    y: insets.top + (height - image.height * zoom) / 2,
  };
}

/** Whether it is the camera of `fit`: nobody has moved it. */
export function isFitted(camera: Camera, image: Size, view: Size, insets: Insets): boolean {
  const whole = fit(image, view, insets);
  return (
    Math.abs(whole.zoom - camera.zoom) < 1e-6 &&
    Math.max(Math.abs(whole.x - camera.x), Math.abs(whole.y - camera.y)) < 1
  );
}

export function zoomLimits(image: Size, view: Size): { least: number; most: number } {
  const whole = Math.min(view.width / image.width, view.height / image.height);
  return { least: Math.min(whole, 1) / 4, most: Math.max(LARGEST_ZOOM, whole) };
}

/** Zoom by `factor`; the image point under `at` stays under it. */
export function zoomAt(camera: Camera, at: ViewPoint, factor: number, limits: { least: number; most: number }): Camera {
  const zoom = Math.min(Math.max(camera.zoom * factor, limits.least), limits.most);
  const ratio = zoom / camera.zoom;
  return { zoom, x: at.x - (at.x - camera.x) * ratio, y: at.y - (at.y - camera.y) * ratio };
}

export function pan(camera: Camera, dx: number, dy: number): Camera {
  return { zoom: camera.zoom, x: camera.x + dx, y: camera.y + dy };
}

/** Keeps a margin of the picture in sight, so that it cannot be lost. */
export function keepInSight(camera: Camera, image: Size, view: Size): Camera {
  const width = image.width * camera.zoom;
  const height = image.height * camera.zoom;
  const marginX = Math.min(VISIBLE_MARGIN, width, view.width);
  const marginY = Math.min(VISIBLE_MARGIN, height, view.height);
  return {
    zoom: camera.zoom,
    x: Math.min(Math.max(camera.x, marginX - width), view.width - marginX),
    y: Math.min(Math.max(camera.y, marginY - height), view.height - marginY),
  };
}

/** Wheel steps to a zoom factor. `deltaMode` as in WheelEvent (0 pixels, 1 lines, 2 pages); a pinch arrives with ctrl. */
export function wheelFactor(deltaY: number, deltaMode: number, pinch: boolean): number {
  const pixels = deltaY * (deltaMode === 1 ? 16 : deltaMode === 2 ? 120 : 1);
  const bounded = Math.min(Math.max(pixels, -240), 240);
  return Math.exp(-bounded * (pinch ? 0.01 : 0.0018));
}
