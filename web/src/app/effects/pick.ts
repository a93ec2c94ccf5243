import type { ImagePoint } from "../../geometry/frames";
import type { PlacedLogits } from "../../geometry/mask";
import { upsample } from "../../geometry/mask";
import type { Resources } from "../mask-library";
import { docOf } from "../selectors";
import type { Store } from "../store";

/** The topmost object whose mask holds the point is edited, or, to `mark`, joins those that the next command is for. */
export function pickObject(store: Store, { library }: Resources, at: ImagePoint, mark: boolean): void {
  const state = store.get();
  const { objects, draft } = docOf(state);
  const hit = [...objects].reverse().find(({ id, step, candidate }) => {
    const logits = state.hidden.includes(id) ? null : library.get(step, candidate);
    return logits !== null && holds(logits, at);
  });
  if (!mark) {
    store.dispatch({ type: "object/select", id: hit === undefined || hit.id === draft.editing ? null : hit.id });
  } else if (hit !== undefined) {
    const { marked } = state;
    const ids = marked.includes(hit.id) ? marked.filter((id) => id !== hit.id) : [...marked, hit.id];
    store.dispatch({ type: "object/mark", ids });
  }
}

function holds(logits: PlacedLogits, at: ImagePoint): boolean {
  const { region, threshold } = logits;
  const [x, y] = [Math.floor(at.x), Math.floor(at.y)];
  const inside = x >= region.x && y >= region.y && x < region.x + region.width && y < region.y + region.height;
  return inside && (upsample(logits, { x, y, width: 1, height: 1 })[0] ?? -Infinity) > threshold;
}
