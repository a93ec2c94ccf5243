import { crosshairOf } from "../app/crosshair";
import type { Store } from "../app/store";
import { toView } from "../geometry/camera";
import type { PointLabel } from "../geometry/prompt";
import { MAIN, SECONDARY } from "../tools/tool";
import type { Gesture } from "../tools/tool";
import { Hand } from "./hand";

/** CSS pixels of one press; with Shift ten times as many. A key that is held repeats about thirty times a second. */
const STEP = 4;
const FAST = 10;

const WAYS: Readonly<Record<string, readonly [x: number, y: number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/**
 * Arrow keys on the focused canvas move the crosshair; the mouse, or the focus elsewhere, takes it away. What a mouse can do
 * the crosshair can: its commands press, hold and let go, and the chosen tool makes of it what it makes of a mouse.
 */
export function attachCrosshair(target: HTMLElement, store: Store): () => void {
  const stop = new AbortController();
  const { signal } = stop;
  const hand = new Hand(store);

  const gesture = (kind: Gesture["kind"], label: PointLabel = 1): void => {
    const { view, crosshair } = store.get();
    if (crosshair === null || view.tool === "pan") return; // the picture follows the crosshair anyway
    // To the select tool Shift means "one more", and it knows no other button.
    const button = label === 1 || view.tool === "select" ? MAIN : SECONDARY;
    const held = { button, shift: label === 0, alt: false, space: false, touch: false };
    hand.handle(kind, toView(view.camera, crosshair.at), held);
  };
  const stopListening = store.listen((state, before, action) => {
    const now = crosshairOf(state);
    const changed = state.view.tool !== before.view.tool || state.picture?.epoch !== before.picture?.epoch;
    const isDrop = action.type === "gesture/drop";
    if (isDrop || (changed && before.crosshair?.held === true)) {
      if (isDrop) hand.cancel();
      else hand.drop();
      if (now?.held === true) store.dispatch({ type: "crosshair/hold" });
      return;
    }
    if (action.type === "crosshair/hold" && now !== null) gesture(now.held ? "down" : "up");
    else if (action.type === "crosshair/move" && now?.held === true) gesture("move");
    else if (action.type === "crosshair/press" && now?.held === false) {
      gesture("down", action.label);
      gesture("up", action.label);
    }
  });

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
    if (store.get().crosshair === null) return;
    if (crosshairOf(store.get())?.held === true) gesture("cancel");
    store.dispatch({ type: "crosshair/hide" });
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
  return () => {
    stopListening();
    stop.abort();
  };
}
