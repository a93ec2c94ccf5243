import { boxTool } from "./box";
import { brushTool, eraserTool } from "./brush";
import { lassoTool } from "./lasso";
import { panTool } from "./pan";
import { pointTool } from "./point";
import { polygonTool } from "./polygon";
import { scribbleTool } from "./scribble";
import { selectTool } from "./select";
import type { Gesture, Outcome, Tool, ToolState } from "./tool";
import { MIDDLE } from "./tool";

export type ToolName = keyof typeof TOOLS;

const TOOLS = {
  point: pointTool,
  box: boxTool,
  scribble: scribbleTool,
  lasso: lassoTool,
  brush: brushTool,
  eraser: eraserTool,
  polygon: polygonTool,
  select: selectTool,
  pan: panTool,
} as const satisfies Record<string, Tool>;

export interface RouterState {
  readonly tool: Tool;
  readonly inner: ToolState;
}

/** Whoever got the press gets the rest of the gesture. Space or the middle button pans whatever tool is chosen. */
export function route(
  state: RouterState | null,
  chosen: ToolName,
  gesture: Gesture,
): { state: RouterState | null; actions: Outcome["actions"] } {
  if (state === null && gesture.kind !== "down") return { state: null, actions: [] };
  const tool = state?.tool ?? (gesture.button === MIDDLE || gesture.space ? panTool : TOOLS[chosen]);
  const outcome = tool(state?.inner ?? null, gesture);
  return { state: outcome.state === null ? null : { tool, inner: outcome.state }, actions: outcome.actions };
}
