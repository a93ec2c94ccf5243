import type { JSX } from "preact";

import type { Clicking } from "../app/clicking";
import { CLICKINGS } from "../app/clicking";
import { t } from "../text";
import { CommandKeys } from "./CommandButton";
import { useDispatch, useSelect } from "./context";
import { radioKeys } from "./radio-keys";

/** Which model answers clicks, with a sentence; nothing where the server has one kind alone. */
export function ClickingSwitch(): JSX.Element | null {
  const dispatch = useDispatch();
  const model = useSelect((state) => state.models.clicks);
  const chosen = useSelect((state) => state.preferences.clicking);
  if (model === null) return null;
  const choose = (clicking: Clicking): void => dispatch({ type: "preferences/clicking", clicking });
  return (
    <div class="clicking" data-testid="clicking">
      <div
        class="clicking-row"
        role="radiogroup"
        aria-label={t("clicking.title")}
        aria-describedby="clicking-hint"
        onKeyDown={radioKeys(CLICKINGS.indexOf(chosen), (index) => choose(CLICKINGS[index] ?? chosen))}
      >
        {CLICKINGS.map((value) => (
          <button
            key={value}
            type="button"
            role="radio"
            class="button button-text"
            aria-checked={value === chosen}
            title={t(`clicking.${value}.hint`)}
            data-testid={`clicking-${value}`}
            tabIndex={value === chosen ? 0 : -1}
            onClick={() => choose(value)}
          >
            {t(`clicking.${value}`)}
          </button>
        ))}
        <CommandKeys id="clicking" />
      </div>
      <p class="hint" id="clicking-hint" data-testid="clicking-hint">
        {t(`clicking.${chosen}.hint`)}
      </p>
    </div>
  );
}
