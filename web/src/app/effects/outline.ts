import { contoursOf, ringsOf, simplified } from "../../geometry/contours";
import { rasterOf } from "../../geometry/mask";
import type { Resources } from "../mask-library";
import { draftMask } from "../selectors";
import type { AppState, Rings } from "../state";
import type { Store } from "../store";

/** How far the polygon may lie from the mask's edge, in ImagePx. */
const TOLERANCE = 1;

/** While the polygon tool is chosen, the draft's mask is shown as rings whose vertices can be moved. */
export function followOutline(store: Store, resources: Resources): void {
  let shown: string | null = null;
  store.listen((state) => {
    const mask = state.view.tool === "polygon" && state.view.band === null ? draftMask(state) : null;
    const key = mask === null ? null : `${mask.step}/${mask.candidate}`;
    if (key === shown && (key === null || state.view.outline !== null)) return; // another picture or tool took it away
    const rings = mask === null ? null : drawnRings(state, resources, mask.step, mask.candidate);
    if (mask !== null && rings === null) return; // its pixels are still on the way
    shown = key;
    if (rings !== null || state.view.outline !== null) store.dispatch({ type: "outline/show", rings });
  });
}

/** The very rings that a person drew; of any other mask its contours. */
function drawnRings(state: AppState, { library }: Resources, step: number, candidate: number): Rings | null {
  const edit = state.steps[step]?.edit;
  if (edit?.kind === "outline") return edit.rings;
  const logits = library.get(step, candidate);
  if (logits === null) return null;
  return ringsOf(simplified(contoursOf(rasterOf(logits)), TOLERANCE));
}
