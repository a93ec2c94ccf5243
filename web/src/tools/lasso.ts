import type { Gesture, Outcome, ToolState } from "./tool";
import { begun, drawnOn, MAIN, stay } from "./tool";

/** Drag a free outline about an object; its ends are joined. */
export function lassoTool(state: ToolState, gesture: Gesture): Outcome {
  const clear = { type: "stroke/draw", stroke: null } as const;
  switch (gesture.kind) {
    case "down":
      return gesture.button === MAIN ? stay(begun(gesture)) : stay(null);
    case "move": {
      if (state === null) return stay(null);
      const next = drawnOn(state, gesture);
      if (next === state) return stay(state);
      return stay(next, { type: "stroke/draw", stroke: { path: next.path ?? [], radius: 0, erase: false } });
    }
    case "up": {
      const ring = state?.path ?? [];
      return ring.length < 3 ? stay(null, clear) : stay(null, clear, { type: "lasso/set", ring });
    }
    case "cancel":
      return stay(null, clear);
  }
}
