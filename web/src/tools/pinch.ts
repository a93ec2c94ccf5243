import type { Action } from "../app/actions";
import type { ViewPoint } from "../geometry/frames";
import { distance, viewPoint } from "../geometry/frames";

export type Fingers = readonly [ViewPoint, ViewPoint];

/** Two fingers: the picture moves with their middle and grows with their distance. */
export function pinch(before: Fingers, after: Fingers): Action[] {
  const from = middle(before);
  const to = middle(after);
  const spread = distance(...before);
  const factor = spread < 1 ? 1 : distance(...after) / spread;
  return [
    { type: "camera/pan", dx: to.x - from.x, dy: to.y - from.y },
    { type: "camera/zoom", at: to, factor },
  ];
}

const middle = ([a, b]: Fingers): ViewPoint => viewPoint((a.x + b.x) / 2, (a.y + b.y) / 2);
