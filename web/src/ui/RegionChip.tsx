import type { JSX } from "preact";

import { offeredRegion } from "../app/region";
import { t } from "../text";
import { CommandButton, CommandKeys } from "./CommandButton";
import { useSelect } from "./context";

/** Far in, what is in sight can be encoded by itself; then this says so, and leads back. */
export function RegionChip(): JSX.Element | null {
  const offered = useSelect((state) => offeredRegion(state) !== null);
  const active = useSelect((state) => state.picture?.region != null);
  if (!offered && !active) return null;
  return (
    <div class="region-chip panel" data-testid="region-chip" data-active={active}>
      {active && <span>{t("region.on")}</span>}
      {offered && (
        <CommandButton id="region" icon="crop" class="button-text" tip="none">
          {t("region.offer")}
          <CommandKeys id="region" />
        </CommandButton>
      )}
      {active && (
        <CommandButton id="region.whole" class="button-text" tip="none">
          {t("region.whole")}
        </CommandButton>
      )}
    </div>
  );
}
