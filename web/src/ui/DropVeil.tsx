import type { JSX } from "preact";

import { t } from "../text";
import { useSelect } from "./context";

export function DropVeil(): JSX.Element | null {
  const dropping = useSelect((state) => state.view.dropping);
  if (!dropping) return null;
  return (
    <div class="drop-veil" data-testid="drop-veil">
      <p>{t("drop.release")}</p>
    </div>
  );
}
