import { distance } from "../geometry/frames";
import type { Gesture, Outcome, ToolState } from "./tool";
import { CLICK_SLOP, MAIN, stay } from "./tool";
import { panTool } from "./pan";

/** Click an object to edit it; with Shift, to mark it for the next command. A drag moves the picture. */
export function selectTool(state: ToolState, gesture: Gesture): Outcome {
  switch (gesture.kind) {
    case "down":
      return gesture.button === MAIN ? stay({ phase: "pressed", start: gesture, last: gesture.view }) : stay(null);
    case "move": {
      if (state === null) return stay(null);
      const still = state.phase === "pressed" && distance(state.start.view, gesture.view) <= CLICK_SLOP;
      return still ? stay(state) : panTool(state, gesture);
    }
    case "up": {
      if (state === null) return stay(null);
      if (state.phase === "dragging") return panTool(state, gesture);
      return stay(null, { type: "request/pick-object", at: state.start.at, mark: state.start.shift });
    }
    case "cancel":
      return panTool(state, gesture);
  }
}
