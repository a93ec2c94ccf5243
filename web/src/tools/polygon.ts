import type { ImagePoint } from "../geometry/frames";
import { clampToImage, distance } from "../geometry/frames";
import type { Gesture, Outcome, ToolState, VertexHit } from "./tool";
import { CLICK_SLOP, MAIN, SECONDARY, stay } from "./tool";

type Rings = readonly (readonly ImagePoint[])[];

/**
 * With an outline: drag a vertex; drag the middle of an edge for a new one; the secondary button or Alt, or a click that takes
 * away, takes one away.
 * Without one: click corner after corner; a click on the first corner, or again on the last, closes the polygon.
 */
export function polygonTool(state: ToolState, gesture: Gesture): Outcome {
  switch (gesture.kind) {
    case "down":
      return stay({ phase: "pressed", start: gesture, last: gesture.view });
    case "move": {
      if (state === null) return stay(null);
      const { vertex, outline, button } = state.start;
      const still = state.phase === "pressed" && distance(state.start.view, gesture.view) <= CLICK_SLOP;
      if (still || vertex === null || outline === null || button !== MAIN) return stay(state);
      return stay({ ...state, phase: "dragging" }, { type: "outline/show", rings: moved(outline, vertex, gesture) });
    }
    case "up":
      return state === null ? stay(null) : released(state, gesture);
    case "cancel":
      return state?.start.outline == null
        ? stay(null)
        : stay(null, { type: "outline/show", rings: state.start.outline });
  }
}

function released(state: NonNullable<ToolState>, gesture: Gesture): Outcome {
  const { vertex, outline, button, alt, label, drawn, closes } = state.start;
  if (outline !== null) {
    if (vertex === null) return stay(null);
    const takes = button === SECONDARY || alt || (label === 0 && state.phase !== "dragging");
    if (state.phase !== "dragging" && !takes) return stay(null);
    const rings = takes ? withoutVertex(outline, vertex) : moved(outline, vertex, gesture);
    return rings === outline ? stay(null) : stay(null, { type: "mask/edit", edit: { kind: "outline", rings } });
  }
  if (button !== MAIN) return stay(null, { type: "stroke/draw", stroke: null });
  const clear = { type: "stroke/draw", stroke: null } as const;
  if (closes && drawn.length >= 3)
    return stay(null, clear, { type: "mask/edit", edit: { kind: "outline", rings: [drawn] } });
  const path = [...drawn, clampToImage(state.start.at, gesture.image)];
  return stay(null, { type: "stroke/draw", stroke: { path, radius: 0, erase: false } });
}

function moved(outline: Rings, hit: VertexHit, { at, image }: Gesture): Rings {
  const to = clampToImage(at, image);
  return outline.map((ring, i) => {
    if (i !== hit.ring) return ring;
    return hit.between
      ? [...ring.slice(0, hit.vertex + 1), to, ...ring.slice(hit.vertex + 1)]
      : ring.map((point, j) => (j === hit.vertex ? to : point));
  });
}

/** A ring of three cannot lose one. */
function withoutVertex(outline: Rings, hit: VertexHit): Rings {
  if (hit.between || (outline[hit.ring]?.length ?? 0) <= 3) return outline;
  return outline.map((ring, i) => (i === hit.ring ? ring.filter((_, j) => j !== hit.vertex) : ring));
}
