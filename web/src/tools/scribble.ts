import type { ImagePoint } from "../geometry/frames";
import { imagePoint, isInside } from "../geometry/frames";
import type { Gesture, Outcome, Pressed, ToolState } from "./tool";
import { begun, drawnOn, MAIN, SECONDARY, stay } from "./tool";

/** A scribble says no more with more points than these. */
const MOST_POINTS = 8;
/** One point for so many drawn ones. */
const EVERY = 24;

/** Drag along what the mask should hold, or, with the secondary button or Shift, what it should not: points along the way. */
export function scribbleTool(state: ToolState, gesture: Gesture): Outcome {
  const clear = { type: "stroke/draw", stroke: null } as const;
  switch (gesture.kind) {
    case "down":
      return gesture.button === MAIN || gesture.button === SECONDARY ? stay(begun(gesture)) : stay(null);
    case "move": {
      if (state === null) return stay(null);
      const next = drawnOn(state, gesture);
      if (next === state) return stay(state);
      return stay(next, {
        type: "stroke/draw",
        stroke: { path: next.path ?? [], radius: 0, erase: labelOf(next) === 0 },
      });
    }
    case "up": {
      if (state === null) return stay(null);
      const path = (state.path ?? []).filter((point) => isInside(point, gesture.image));
      const points = pointsAlong(path, Math.min(Math.ceil(path.length / EVERY) + 1, MOST_POINTS));
      return points.length === 0
        ? stay(null, clear)
        : stay(null, clear, { type: "scribble/add", points, label: labelOf(state) });
    }
    case "cancel":
      return stay(null, clear);
  }
}

const labelOf = ({ start }: Pressed): 0 | 1 => (start.button === SECONDARY || start.shift ? 0 : start.label);

/** `count` points evenly along a path, half a gap from its ends; a path of one point is that point. */
export function pointsAlong(path: readonly ImagePoint[], count: number): ImagePoint[] {
  const [first] = path;
  if (first === undefined) return [];
  const lengths = path.map((point, i) =>
    Math.hypot(point.x - (path[i - 1] ?? point).x, point.y - (path[i - 1] ?? point).y),
  );
  const total = lengths.reduce((sum, length) => sum + length, 0);
  if (total === 0) return [first];
  const points: ImagePoint[] = [];
  let passed = 0;
  path.forEach((to, i) => {
    const from = path[i - 1] ?? to;
    const length = lengths[i] ?? 0;
    for (;;) {
      const wanted = ((points.length + 0.5) / count) * total;
      if (points.length >= count || wanted > passed + length || length === 0) break;
      const part = (wanted - passed) / length;
      points.push(imagePoint(from.x + (to.x - from.x) * part, from.y + (to.y - from.y) * part));
    }
    passed += length;
  });
  return points;
}
