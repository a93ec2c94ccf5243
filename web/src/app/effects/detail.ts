import { toImage } from "../../geometry/camera";
import { viewPoint } from "../../geometry/frames";
import type { Rectangle } from "../../geometry/mask";
import { decodePart } from "../../pictures/pixels";
import type { Resources } from "../mask-library";
import type { AppState } from "../state";
import type { Store } from "../store";

/** The view rests so long before its part is decoded. */
const REST_MS = 250;
/** So much more than is in sight on each side, so that small moves need nothing new. */
const MARGIN = 0.25;

/** Large pictures are shown smaller (decodeShown): from near, what is in sight is decoded by itself and laid over. */
export function followDetail(store: Store, resources: Resources): void {
  let timer: ReturnType<typeof setTimeout> | null = null;
  let busy = false;

  const sharpen = async (): Promise<void> => {
    timer = null;
    const { picture } = store.get();
    const { file } = resources;
    const area = wanted(store.get(), resources);
    if (busy || area === null || file === null) return;
    busy = true;
    try {
      const bitmap = await decodePart(file, area, longestOf(resources.bitmap));
      if (resources.file !== file || store.get().picture?.epoch !== picture?.epoch) bitmap.close();
      else {
        resources.detail?.bitmap.close();
        resources.detail = { bitmap, area };
        store.dispatch({ type: "picture/sharpened" });
      }
      busy = false;
      schedule();
    } catch {
      busy = false; // the smaller picture is still there, and the next move tries again
    }
  };
  const schedule = (): void => {
    if (timer !== null) clearTimeout(timer);
    timer = wanted(store.get(), resources) === null ? null : setTimeout(() => void sharpen(), REST_MS);
  };

  store.listen((state, before) => {
    const moved = state.view.camera !== before.view.camera || state.view.size !== before.view.size;
    if (moved || state.picture?.phase !== before.picture?.phase) schedule();
  });
}

/** The part that would be sharper decoded by itself; null where there is none, or where it is there already. */
export function wanted({ picture, view }: AppState, { bitmap, detail }: Resources): Rectangle | null {
  if (picture?.size == null || bitmap === null || bitmap.width >= picture.size.width) return null;
  const needed = view.camera.zoom * globalThis.devicePixelRatio;
  const shown = bitmap.width / picture.size.width;
  if (needed <= shown) return null;
  const { width, height } = picture.size;
  const low = toImage(view.camera, viewPoint(0, 0));
  const high = toImage(view.camera, viewPoint(view.size.width, view.size.height));
  const within = (margin: number): Rectangle => {
    const [dx, dy] = [(high.x - low.x) * margin, (high.y - low.y) * margin];
    const [x, y] = [Math.max(Math.floor(low.x - dx), 0), Math.max(Math.floor(low.y - dy), 0)];
    const right = Math.min(Math.ceil(high.x + dx), width);
    const bottom = Math.min(Math.ceil(high.y + dy), height);
    return { x, y, width: right - x, height: bottom - y };
  };
  const [sight, area] = [within(0), within(MARGIN)];
  if (sight.width <= 0 || sight.height <= 0) return null;
  if (detail !== null) {
    const { area: there } = detail;
    const covers = there.x <= sight.x && there.y <= sight.y &&
      there.x + there.width >= sight.x + sight.width && there.y + there.height >= sight.y + sight.height; // prettier-ignore
    const best = Math.min(1, needed, longestOf(bitmap) / Math.max(area.width, area.height));
    if (covers && detail.bitmap.width / there.width >= best * 0.75) return null;
  }
  return area;
}

const longestOf = (bitmap: ImageBitmap | null): number => Math.max(bitmap?.width ?? 0, bitmap?.height ?? 0);
