import { toImage } from "../geometry/camera";
import { viewPoint } from "../geometry/frames";
import type { Rectangle } from "../geometry/mask";
import type { AppState } from "./state";

/** Encoding a part by itself is worth its while from here on: what is in sight is less than so much of the picture's sides. */
const WORTH_IT = 0.6;
/** In ImagePx; there is nothing to see in less. */
const SMALLEST = 32;

/** The part of the picture that is in sight, in whole pixels; null without a picture. */
export function visibleRegion({ picture, view }: AppState): Rectangle | null {
  if (picture?.size == null) return null;
  const { size, insets, camera } = view;
  const low = toImage(camera, viewPoint(insets.left, insets.top));
  const high = toImage(camera, viewPoint(size.width - insets.right, size.height - insets.bottom));
  const x = Math.max(Math.floor(low.x), 0);
  const y = Math.max(Math.floor(low.y), 0);
  const width = Math.min(Math.ceil(high.x), picture.size.width) - x;
  const height = Math.min(Math.ceil(high.y), picture.size.height) - y;
  return width > 0 && height > 0 ? { x, y, width, height } : null;
}

/** What is in sight, where clicks would gain by encoding it by itself. */
export function offeredRegion(state: AppState): Rectangle | null {
  const { picture } = state;
  const region = visibleRegion(state);
  if (region === null || picture?.size == null || picture.phase !== "ready") return null;
  if (state.engine.backend === "server") return null; // which answers for the whole picture
  const part = Math.max(region.width / picture.size.width, region.height / picture.size.height);
  const present = picture.region;
  const same =
    present !== null &&
    Math.abs(present.width - region.width) < 2 &&
    Math.abs(present.x - region.x) < 2 &&
    Math.abs(present.y - region.y) < 2;
  return part < WORTH_IT && Math.min(region.width, region.height) >= SMALLEST && !same ? region : null;
}
