import type { Store } from "../app/store";
import { toImage, wheelFactor } from "../geometry/camera";
import type { ViewPoint } from "../geometry/frames";
import { viewPoint } from "../geometry/frames";
import { pinch } from "../tools/pinch";
import type { Gesture } from "../tools/tool";
import { Hand } from "./hand";

/** So long after a pen was seen a touch is the hand that holds it. */
const PALM_MS = 1000;

/** Turns pointer and wheel events into gestures, and gestures, by the tools, into actions. Returns the way to stop. */
export function attachPointer(target: HTMLElement, store: Store): () => void {
  const fingers = new Map<number, ViewPoint>();
  const palms = new Set<number>();
  const hand = new Hand(store);
  let space = false;
  let penSeen = -Infinity;
  let penDown = false;
  const stop = new AbortController();

  const viewOf = (event: MouseEvent): ViewPoint => {
    const bounds = target.getBoundingClientRect();
    return viewPoint(event.clientX - bounds.left, event.clientY - bounds.top);
  };

  const handle = (kind: Gesture["kind"], event: PointerEvent): void => {
    const { button, shiftKey: shift, altKey: alt, pointerType } = event;
    hand.handle(kind, viewOf(event), { button, shift, alt, space, touch: pointerType === "touch" });
  };

  /** Whether it is to be left alone: a hand that rests while its pen draws. Fingers that lay there before count for nothing from then on. */
  const isPalm = (event: PointerEvent): boolean => {
    if (event.pointerType === "pen") {
      penSeen = event.timeStamp;
      if (event.type === "pointerdown") penDown = true;
      else if (event.type !== "pointermove") penDown = false;
      if (fingers.size > 0) {
        for (const id of fingers.keys()) palms.add(id);
        fingers.clear();
        handle("cancel", event);
      }
      return false;
    }
    const comes = event.type === "pointerdown" && event.pointerType === "touch";
    if (comes && (penDown || event.timeStamp - penSeen < PALM_MS)) palms.add(event.pointerId);
    const isOne = palms.has(event.pointerId);
    if (event.type === "pointerup" || event.type === "pointercancel") palms.delete(event.pointerId);
    return isOne;
  };

  const down = (event: PointerEvent): void => {
    if (isPalm(event)) return;
    target.setPointerCapture(event.pointerId);
    if (event.pointerType === "touch") {
      fingers.set(event.pointerId, viewOf(event));
      if (fingers.size > 1) return handle("cancel", event);
    }
    handle("down", event);
  };

  const move = (event: PointerEvent): void => {
    if (isPalm(event)) return;
    const view = viewOf(event);
    if (fingers.size === 2 && fingers.has(event.pointerId)) {
      const [a, b] = [...fingers.values()];
      fingers.set(event.pointerId, view);
      const [c, d] = [...fingers.values()];
      if (a && b && c && d) pinch([a, b], [c, d]).forEach(store.dispatch);
      return;
    }
    if (fingers.has(event.pointerId)) fingers.set(event.pointerId, view);
    handle("move", event);
    if (event.pointerType === "touch") return;
    store.dispatch({ type: "pointer/move", at: toImage(store.get().view.camera, view) });
  };

  const up = (event: PointerEvent): void => {
    if (isPalm(event)) return;
    const pinching = fingers.size > 1;
    fingers.delete(event.pointerId);
    if (!pinching) handle("up", event);
  };

  const wheel = (event: WheelEvent): void => {
    event.preventDefault();
    const factor = wheelFactor(event.deltaY, event.deltaMode, event.ctrlKey);
    store.dispatch({ type: "camera/zoom", at: viewOf(event), factor });
  };

  // What began on another picture is no gesture here.
  const stopListening = store.listen((state, before, action) => {
    if (action.type === "gesture/drop") hand.cancel();
    if (state.picture?.epoch === before.picture?.epoch) return;
    hand.drop();
    store.dispatch({ type: "grab/set", grabbing: false });
  });

  const { signal } = stop;
  target.addEventListener("pointerdown", down, { signal });
  target.addEventListener("pointermove", move, { signal });
  target.addEventListener("pointerup", up, { signal });
  target.addEventListener("pointercancel", (event) => {
    if (isPalm(event)) return;
    fingers.delete(event.pointerId);
    handle("cancel", event);
  }, { signal }); // prettier-ignore
  target.addEventListener("pointerleave", () => store.dispatch({ type: "pointer/move", at: null }), { signal });
  target.addEventListener("contextmenu", (event) => event.preventDefault(), { signal });
  target.addEventListener("wheel", wheel, { signal, passive: false });
  window.addEventListener("keydown", (event) => (space = event.code === "Space" || space), { signal });
  window.addEventListener("keyup", (event) => (space = event.code === "Space" ? false : space), { signal });
  window.addEventListener("blur", () => (space = false), { signal });
  return () => {
    stop.abort();
    stopListening();
  };
}
