import { crosshairOf } from "../app/crosshair";
import type { Store } from "../app/store";

/** CSS pixels of one press; with Shift ten times as many. A key that is held repeats about thirty times a second. */
const STEP = 4;
const FAST = 10;

const WAYS: Readonly<Record<string, readonly [x: number, y: number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** Arrow keys on the focused canvas move the crosshair; the mouse, or the focus elsewhere, takes it away. */
export function attachCrosshair(target: HTMLElement, store: Store): () => void {
  const stop = new AbortController();
  const { signal } = stop;

  const press = (event: KeyboardEvent): void => {
    const way = WAYS[event.key];
    if (way === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    if (store.get().picture?.size == null || store.get().view.dialog !== null) return;
    event.preventDefault();
    event.stopPropagation();
    const step = STEP * (event.shiftKey ? FAST : 1);
    store.dispatch({ type: "crosshair/move", dx: way[0] * step, dy: way[1] * step });
    store.dispatch({ type: "pointer/move", at: crosshairOf(store.get())?.at ?? null }); // the preview follows
  };
  const hide = (): void => {
    if (store.get().crosshair !== null) store.dispatch({ type: "crosshair/hide" });
  };
  const blur = (): void => {
    if (store.get().crosshair === null) return;
    hide();
    store.dispatch({ type: "pointer/move", at: null });
  };

  target.addEventListener("keydown", press, { signal });
  target.addEventListener("pointermove", hide, { signal });
  target.addEventListener("pointerdown", hide, { signal });
  target.addEventListener("blur", blur, { signal });
  return () => stop.abort();
}
