import { clampToImage, distance, isInside } from "../geometry/frames";
import { boxTool } from "./box";
import { panTool } from "./pan";
import type { Gesture, Outcome, Pressed, ToolState } from "./tool";
import { CLICK_SLOP, MAIN, SECONDARY, stay } from "./tool";

/**
 * Click = foreground, secondary or Shift + click = background, a click on a point takes it away, a dragged point moves, any
 * other drag = box, Alt + click = the object under the pointer is edited.
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
      const { hit, button, image } = state.start;
      if (hit !== null && button === MAIN) {
        const at = clampToImage(gesture.at, image);
        return stay({ ...state, phase: "dragging" }, { type: "point/move", id: hit, at, done: false });
      }
      if (button === SECONDARY) return stay({ ...state, phase: "dragging" });
      return state.start.touch ? panTool(state, gesture) : boxTool(state, gesture);
    }
    case "up": {
      if (state === null) return stay(null);
      if (state.phase === "dragging") return finishDrag(state, gesture);
      return click(state.start);
    }
    case "cancel":
      return state?.start.touch === true && state.start.hit === null
        ? panTool(state, gesture)
        : boxTool(state, gesture);
  }
}

function finishDrag(state: Pressed, gesture: Gesture): Outcome {
  const { hit, button, touch, image } = state.start;
  if (hit !== null && button === MAIN) {
    return stay(null, { type: "point/move", id: hit, at: clampToImage(gesture.at, image), done: true });
  }
  if (button === SECONDARY) return stay(null);
  return touch ? panTool(state, gesture) : boxTool(state, gesture);
}

function click(press: Gesture): Outcome {
  if (press.hit !== null) return stay(null, { type: "point/remove", id: press.hit });
  if (press.alt) return stay(null, { type: "request/pick-object", at: press.at, mark: press.shift });
  if (!isInside(press.at, press.image)) return stay(null);
  const background = press.button === SECONDARY || press.shift;
  return stay(null, { type: "point/add", at: press.at, label: background ? 0 : press.label });
}
