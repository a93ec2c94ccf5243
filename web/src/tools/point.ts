import { distance, isInside } from "../geometry/frames";
import { boxTool } from "./box";
import { panTool } from "./pan";
import type { Gesture, Outcome, ToolState } from "./tool";
import { CLICK_SLOP, MAIN, SECONDARY, stay } from "./tool";

/**
 * Click = foreground, secondary or Shift + click = background, a click on a point takes it away, drag = box.
 * A finger that drags moves the picture instead: a box by touch is the box tool's.
 */
export function pointTool(state: ToolState, gesture: Gesture): Outcome {
  switch (gesture.kind) {
    case "down":
      if (gesture.button !== MAIN && gesture.button !== SECONDARY) return stay(null);
      return stay({ phase: "pressed", start: gesture, last: gesture.view });
    case "move": {
      if (state === null) return stay(null);
      if (state.phase === "pressed" && distance(state.start.view, gesture.view) <= CLICK_SLOP) return stay(state);
      if (state.start.button === SECONDARY) return stay({ ...state, phase: "dragging" });
      return state.start.touch ? panTool(state, gesture) : boxTool(state, gesture);
    }
    case "up": {
      if (state === null) return stay(null);
      if (state.phase === "dragging") return state.start.touch ? panTool(state, gesture) : finishDrag(state, gesture);
      return click(state.start);
    }
    case "cancel":
      return boxTool(state, gesture);
  }
}

function finishDrag(state: ToolState, gesture: Gesture): Outcome {
  return state?.start.button === SECONDARY ? stay(null) : boxTool(state, gesture);
}

function click(press: Gesture): Outcome {
  if (press.hit !== null) return stay(null, { type: "point/remove", id: press.hit });
  if (!isInside(press.at, press.image)) return stay(null);
  const background = press.button === SECONDARY || press.shift;
  return stay(null, { type: "point/add", at: press.at, label: background ? 0 : press.label });
}
