import type { Gesture, Outcome, ToolState } from "./tool";
import { stay } from "./tool";

/** The picture follows the pointer. */
export function panTool(state: ToolState, gesture: Gesture): Outcome {
  switch (gesture.kind) {
    case "down":
      return stay({ phase: "dragging", start: gesture, last: gesture.view }, { type: "grab/set", grabbing: true });
    case "move": {
      if (state === null) return stay(null);
      const [dx, dy] = [gesture.view.x - state.last.x, gesture.view.y - state.last.y];
      const next = { phase: "dragging", start: state.start, last: gesture.view } as const;
      return stay(next, { type: "camera/pan", dx, dy });
    }
    case "up":
    case "cancel":
      return stay(null, { type: "grab/set", grabbing: false });
  }
}
