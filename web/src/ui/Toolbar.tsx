import type { JSX } from "preact";

import { zoomPercent } from "../app/selectors";
import { t } from "../text";
import { percentText } from "../text/numbers";
import { CommandButton, CommandKeys } from "./CommandButton";
import { useDispatch, useSelect } from "./context";
import { Icon } from "./icons";

export function Toolbar(): JSX.Element {
  const tool = useSelect((state) => state.view.tool);
  const zoom = useSelect(zoomPercent);
  return (
    <nav class="toolbar panel" aria-label={t("toolbar")} data-testid="toolbar">
      <div class="toolbar-group">
        <CommandButton id="tool.point" icon="point" pressed={tool === "point"} hint="tool.point.hint" />
        <CommandButton id="tool.box" icon="box" pressed={tool === "box"} hint="tool.box.hint" />
        <CommandButton id="tool.pan" icon="pan" pressed={tool === "pan"} hint="tool.pan.hint" />
      </div>
      <LabelSwitch />
      <div class="toolbar-group">
        <CommandButton id="undo" icon="undo" />
        <CommandButton id="redo" icon="redo" />
      </div>
      <div class="toolbar-group toolbar-zoom">
        <CommandButton id="zoom.in" icon="plus" />
        <output class="zoom" data-testid="zoom">
          {percentText(zoom / 100)}
        </output>
        <CommandButton id="zoom.out" icon="minus" />
        <CommandButton id="zoom.fit" icon="fit" />
      </div>
    </nav>
  );
}

/** What a plain click does; the way for fingers and pens, which have no second button. */
function LabelSwitch(): JSX.Element {
  const dispatch = useDispatch();
  const label = useSelect((state) => state.view.label);
  return (
    <div class="toolbar-group label-switch" role="group" aria-label={t("label.group")}>
      {([1, 0] as const).map((value) => (
        <button
          key={value}
          type="button"
          class={`button label-${value === 1 ? "add" : "remove"}`}
          aria-label={t(value === 1 ? "label.hint.add" : "label.hint.remove")}
          aria-pressed={label === value}
          data-testid={value === 1 ? "label-add" : "label-remove"}
          onClick={() => dispatch({ type: "label/choose", label: value })}
        >
          <Icon name={value === 1 ? "plus" : "minus"} />
          <span class="tip tip-right" aria-hidden="true">
            <span>
              {t(value === 1 ? "label.add" : "label.remove")}
              <CommandKeys id="label.swap" />
            </span>
            <small>{t(value === 1 ? "label.hint.add" : "label.hint.remove")}</small>
          </span>
        </button>
      ))}
    </div>
  );
}
