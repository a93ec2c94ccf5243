import type { Action } from "../app/actions";
import { docOf } from "../app/selectors";
import type { Store } from "../app/store";
import { POINT_RADIUS } from "../canvas/prompt-layer";
import { toImage, toView } from "../geometry/camera";
import type { ImagePoint, ViewPoint } from "../geometry/frames";
import { distance, imagePoint } from "../geometry/frames";
import type { RouterState } from "../tools/router";
import { route } from "../tools/router";
import type { Gesture, VertexHit } from "../tools/tool";

const TOUCH_REACH = 18;
const MOUSE_REACH = POINT_RADIUS + 2;

/** What is held while a gesture is made. */
export type Held = Pick<Gesture, "button" | "shift" | "alt" | "space" | "touch">;

/** Gives a pointer's gestures, a mouse's, a finger's or the crosshair's, to the chosen tool, and does what it wants done. */
export class Hand {
  private readonly store: Store;
  private router: RouterState | null = null;

  constructor(store: Store) {
    this.store = store;
  }

  /** What was begun comes to nothing: its picture or its tool is gone. */
  drop(): void {
    this.follow(null, []);
    this.store.dispatch({ type: "band/set", box: null });
    this.store.dispatch({ type: "stroke/draw", stroke: null });
  }

  /** It is given up in the middle: the tool takes back what it has shown, and the rest of the gesture is nothing. */
  cancel(): void {
    const start = this.router?.inner?.start;
    if (start === undefined) return;
    const { state, actions } = route(this.router, "point", { ...start, kind: "cancel" });
    this.follow(state, actions);
  }

  handle(kind: Gesture["kind"], view: ViewPoint, held: Held): void {
    const state = this.store.get();
    if (state.picture?.size == null) return;
    const reach = held.touch ? TOUCH_REACH : MOUSE_REACH;
    const down = kind === "down";
    const drawn = state.view.tool === "polygon" ? (state.view.stroke?.path ?? []) : [];
    const ends = drawn.length < 3 ? [] : [drawn[0], drawn.at(-1)].filter((point) => point !== undefined);
    const next = route(this.router, state.view.tool, {
      ...held,
      kind,
      at: toImage(state.view.camera, view),
      view,
      hit: down ? this.hitAt(view, reach) : null,
      vertex: down ? this.vertexAt(view, reach) : null,
      outline: state.view.outline,
      drawn,
      closes: down && ends.some((point) => this.isNear(view, point, reach)),
      radius: state.view.brush,
      label: state.view.label,
      image: state.picture.size,
    });
    this.follow(next.state, next.actions);
  }

  private follow(router: RouterState | null, actions: readonly Action[]): void {
    const changed = (router === null) !== (this.router === null);
    this.router = router;
    if (changed) this.store.dispatch({ type: "gesture/hold", held: router !== null });
    actions.forEach(this.store.dispatch);
  }

  private hitAt(view: ViewPoint, reach: number): number | null {
    const points = [...docOf(this.store.get()).draft.prompt.points].reverse();
    return points.find((point) => this.isNear(view, point.at, reach))?.id ?? null;
  }

  private isNear(view: ViewPoint, point: ImagePoint, reach: number): boolean {
    return distance(toView(this.store.get().view.camera, point), view) <= reach;
  }

  /** A vertex before the middle of an edge, so that short edges do not hide their ends. */
  private vertexAt(view: ViewPoint, reach: number): VertexHit | null {
    const rings = this.store.get().view.outline ?? [];
    for (const between of [false, true]) {
      for (const [ring, points] of rings.entries()) {
        const vertex = points.findIndex((point, i) => {
          const next = points[(i + 1) % points.length] ?? point;
          const place = between ? imagePoint((point.x + next.x) / 2, (point.y + next.y) / 2) : point;
          return this.isNear(view, place, reach);
        });
        if (vertex >= 0) return { ring, vertex, between };
      }
    }
    return null;
  }
}
