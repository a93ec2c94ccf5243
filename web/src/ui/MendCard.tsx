import type { JSX } from "preact";

import { draftMask } from "../app/selectors";
import type { AppState } from "../app/state";
import { t } from "../text";
import { CommandButton } from "./CommandButton";
import { useDispatch, useSelect } from "./context";

const PAINTING: readonly AppState["view"]["tool"][] = ["brush", "eraser"];
/** The slider is in steps of a ratio, for a small brush needs finer ones. */
const RATIO = 1.05;

/** What can be done by hand: the brush's size while it is chosen, and changes of the whole mask while there is one. */
export function MendCard(): JSX.Element | null {
  const dispatch = useDispatch();
  const painting = useSelect((state) => PAINTING.includes(state.view.tool));
  const radius = useSelect((state) => state.view.brush);
  const mendable = useSelect((state) => draftMask(state) !== null);
  if (!painting && !mendable) return null;
  return (
    <section class="mend panel" aria-label={t("mend.title")} data-testid="mend">
      {painting && (
        <label class="mend-brush">
          <span>{t("mend.brush")}</span>
          <input
            type="range"
            min={0}
            max={120}
            value={Math.round(Math.log(radius) / Math.log(RATIO))}
            data-testid="brush-radius"
            onInput={(event) => dispatch({ type: "brush/size", radius: RATIO ** Number(event.currentTarget.value) })}
            onChange={(event) => event.currentTarget.blur()}
          />
          <output>{t("mend.pixels", { pixels: Math.round(radius * 10) / 10 })}</output>
        </label>
      )}
      {mendable && (
        <div class="mend-row">
          <CommandButton id="mend.fill_holes" icon="fill" tip="above" />
          <CommandButton id="mend.remove_islands" icon="islands" tip="above" />
          <CommandButton id="mend.grow" icon="grow" tip="above" />
          <CommandButton id="mend.shrink" icon="shrink" tip="above" />
          <CommandButton id="mend.smooth" icon="smooth" tip="above" />
          <CommandButton id="duplicate" icon="copy" tip="above" />
        </div>
      )}
    </section>
  );
}
