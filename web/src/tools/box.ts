import { boxBetween, clampToImage, distance } from "../geometry/frames";
import type { ImageBox } from "../geometry/frames";
import type { Gesture, Outcome, ToolState } from "./tool";
import { CLICK_SLOP, MAIN, stay } from "./tool";

/** Drag a box from corner to corner. */
export function boxTool(state: ToolState, gesture: Gesture): Outcome {
  switch (gesture.kind) {
    case "down":
      return gesture.button === MAIN ? stay({ phase: "pressed", start: gesture, last: gesture.view }) : stay(null);
    case "move": {
      if (state === null) return stay(null);
      const moved = state.phase === "dragging" || distance(state.start.view, gesture.view) > CLICK_SLOP;
      if (!moved) return stay(state);
      const dragging = { phase: "dragging", start: state.start, last: gesture.view } as const;
      return stay(dragging, { type: "band/set", box: boxOf(state.start, gesture) });
    }
    case "up": {
      if (state?.phase !== "dragging") return stay(null);
      const box = boxOf(state.start, gesture);
      const clear = { type: "band/set", box: null } as const;
      const large = box.x2 - box.x1 >= 1 && box.y2 - box.y1 >= 1;
      return large ? stay(null, clear, { type: "box/set", box }) : stay(null, clear);
    }
    case "cancel":
      return stay(null, { type: "band/set", box: null });
  }
}

function boxOf(start: Gesture, end: Gesture): ImageBox {
  return boxBetween(clampToImage(start.at, start.image), clampToImage(end.at, end.image));
}
