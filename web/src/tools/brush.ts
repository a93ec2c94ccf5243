import type { Gesture, Outcome, Pressed, Tool, ToolState } from "./tool";
import { begun, drawnOn, MAIN, PEN_ERASER, SECONDARY, stay } from "./tool";

/** Drag to paint; the secondary button, or Shift, does the opposite. A pen's other end erases with both. */
export const brushTool: Tool = (state, gesture) => draw(state, gesture, false);
export const eraserTool: Tool = (state, gesture) => draw(state, gesture, true);

function draw(state: ToolState, gesture: Gesture, erases: boolean): Outcome {
  switch (gesture.kind) {
    case "down":
      if (![MAIN, SECONDARY, PEN_ERASER].includes(gesture.button)) return stay(null);
      return shown(begun(gesture), erases);
    case "move": {
      if (state === null) return stay(null);
      const next = drawnOn(state, gesture);
      return next === state ? stay(state) : shown(next, erases);
    }
    case "up": {
      if (state === null) return stay(null);
      const { erase, ...stroke } = strokeOf(state, erases);
      return stay(
        null,
        { type: "stroke/draw", stroke: null },
        { type: "mask/edit", edit: { kind: "paint", stroke, erase } },
      );
    }
    case "cancel":
      return stay(null, { type: "stroke/draw", stroke: null });
  }
}

const shown = (state: Pressed, erases: boolean): Outcome =>
  stay(state, { type: "stroke/draw", stroke: strokeOf(state, erases) });

function strokeOf(
  { start, path = [] }: Pressed,
  erases: boolean,
): {
  readonly path: Pressed["path"] & object;
  readonly radius: number;
  readonly erase: boolean;
} {
  const opposite = start.button === SECONDARY || start.shift;
  return { path, radius: start.radius, erase: start.button === PEN_ERASER || erases !== opposite };
}
