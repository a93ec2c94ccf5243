import type { Store } from "../app/store";
import { docOf } from "../app/selectors";
import { POINT_RADIUS } from "../canvas/prompt-layer";
import { toImage, toView, wheelFactor } from "../geometry/camera";
import type { ImagePoint, ViewPoint } from "../geometry/frames";
import { distance, imagePoint, viewPoint } from "../geometry/frames";
import { pinch } from "../tools/pinch";
import type { RouterState } from "../tools/router";
import { route } from "../tools/router";
import type { Gesture, VertexHit } from "../tools/tool";

const TOUCH_REACH = 18;
const MOUSE_REACH = POINT_RADIUS + 2;

/** Turns pointer and wheel events into gestures, and gestures, by the tools, into actions. Returns the way to stop. */
export function attachPointer(target: HTMLElement, store: Store): () => void {
  const fingers = new Map<number, ViewPoint>();
  let router: RouterState | null = null;
  let space = false;
  const stop = new AbortController();

  const viewOf = (event: MouseEvent): ViewPoint => {
    const bounds = target.getBoundingClientRect();
    return viewPoint(event.clientX - bounds.left, event.clientY - bounds.top);
  };

  const hitAt = (view: ViewPoint, reach: number): number | null => {
    const state = store.get();
    const points = [...docOf(state).draft.prompt.points].reverse();
    return points.find((point) => distance(toView(state.view.camera, point.at), view) <= reach)?.id ?? null;
  };

  const near = (view: ViewPoint, point: ImagePoint, reach: number): boolean =>
    distance(toView(store.get().view.camera, point), view) <= reach;

  /** A vertex before the middle of an edge, so that short edges do not hide their ends. */
  const vertexAt = (view: ViewPoint, reach: number): VertexHit | null => {
    const rings = store.get().view.outline ?? [];
    for (const between of [false, true]) {
      for (const [ring, points] of rings.entries()) {
        const vertex = points.findIndex((point, i) => {
          const next = points[(i + 1) % points.length] ?? point;
          return near(view, between ? imagePoint((point.x + next.x) / 2, (point.y + next.y) / 2) : point, reach);
        });
        if (vertex >= 0) return { ring, vertex, between };
      }
    }
    return null;
  };

  const handle = (kind: Gesture["kind"], event: PointerEvent): void => {
    const state = store.get();
    if (state.picture?.size == null) return;
    const view = viewOf(event);
    const touch = event.pointerType === "touch";
    const reach = touch ? TOUCH_REACH : MOUSE_REACH;
    const down = kind === "down";
    const drawn = state.view.tool === "polygon" ? (state.view.stroke?.path ?? []) : [];
    const ends = drawn.length < 3 ? [] : [drawn[0], drawn.at(-1)].filter((point) => point !== undefined);
    const gesture: Gesture = {
      kind,
      at: toImage(state.view.camera, view),
      view,
      button: event.button,
      shift: event.shiftKey,
      alt: event.altKey,
      space,
      touch,
      hit: down ? hitAt(view, reach) : null,
      vertex: down ? vertexAt(view, reach) : null,
      outline: state.view.outline,
      drawn,
      closes: down && ends.some((point) => near(view, point, reach)),
      radius: state.view.brush,
      label: state.view.label,
      image: state.picture.size,
    };
    const outcome = route(router, state.view.tool, gesture);
    router = outcome.state;
    outcome.actions.forEach(store.dispatch);
  };

  const down = (event: PointerEvent): void => {
    target.setPointerCapture(event.pointerId);
    if (event.pointerType === "touch") {
      fingers.set(event.pointerId, viewOf(event));
      if (fingers.size > 1) return handle("cancel", event);
    }
    handle("down", event);
  };

  const move = (event: PointerEvent): void => {
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
    const pinching = fingers.size > 1;
    fingers.delete(event.pointerId);
    if (!pinching) handle("up", event);
  };

  const wheel = (event: WheelEvent): void => {
    event.preventDefault();
    const factor = wheelFactor(event.deltaY, event.deltaMode, event.ctrlKey);
    store.dispatch({ type: "camera/zoom", at: viewOf(event), factor });
  };

  const { signal } = stop;
  target.addEventListener("pointerdown", down, { signal });
  target.addEventListener("pointermove", move, { signal });
  target.addEventListener("pointerup", up, { signal });
  target.addEventListener("pointercancel", (event) => {
    fingers.delete(event.pointerId);
    handle("cancel", event);
  }, { signal }); // prettier-ignore
  target.addEventListener("pointerleave", () => store.dispatch({ type: "pointer/move", at: null }), { signal });
  target.addEventListener("contextmenu", (event) => event.preventDefault(), { signal });
  target.addEventListener("wheel", wheel, { signal, passive: false });
  window.addEventListener("keydown", (event) => (space = event.code === "Space" || space), { signal });
  window.addEventListener("keyup", (event) => (space = event.code === "Space" ? false : space), { signal });
  window.addEventListener("blur", () => (space = false), { signal });
  return () => stop.abort();
}
