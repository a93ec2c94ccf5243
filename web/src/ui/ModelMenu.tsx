import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";

import type { ModelEntry } from "../app/models";
import { chosenEntry } from "../app/models";
import { t } from "../text";
import { CommandKeys } from "./CommandButton";
import { useDispatch, useSelect } from "./context";
import { Icon } from "./icons";
import { useMenu } from "./menu";
import { bytesText, durationText } from "./quantities";

/** A command of the shell, the same in every language. */
const PULL = "segserve models pull";

/** Which model looks at pictures: the server's list with what each costs. */
export function ModelMenu(): JSX.Element {
  const dispatch = useDispatch();
  const open = useSelect((state) => state.view.dialog === "models");
  const models = useSelect((state) => state.models);
  const holder = useRef<HTMLDivElement>(null);
  const chosen = chosenEntry(models);

  const show = (shown: boolean): void => dispatch({ type: "dialog/show", dialog: shown ? "models" : null });
  const leave = useMenu(holder, open, show);
  useEffect(() => {
    if (open) dispatch({ type: "request/models" });
  }, [open]);

  return (
    <div class="menu-holder model-holder" ref={holder}>
      <button
        type="button"
        class="button button-text model-button"
        aria-haspopup="menu"
        aria-expanded={open}
        aria-label={t("models.button", { title: chosen?.title ?? "" })}
        data-testid="models"
        onClick={() => show(!open)}
      >
        <Icon name="model" />
        <span class="model-name">{chosen?.title}</span>
        {!open && (
          <span class="tip tip-below" aria-hidden="true">
            <span>
              {t("command.models")}
              <CommandKeys id="models" />
            </span>
            <small>{chosen?.title}</small>
          </span>
        )}
      </button>
      {open && (
        <div class="menu panel model-menu" data-testid="model-menu">
          <div role="menu" aria-label={t("models.title")}>
            {models.entries.map((entry) => (
              <ModelItem
                key={entry.id}
                entry={entry}
                checked={entry.id === models.chosen}
                choose={(byKey) => {
                  if (byKey) leave();
                  else show(false); // after a pointer, Enter means the picture again
                  dispatch({ type: "request/model", id: entry.id });
                }}
              />
            ))}
          </div>
          {models.stale && <p class="hint">{t("models.stale")}</p>}
          {models.entries.length === 1 && (
            <p class="hint" data-testid="models-more">
              {t("models.more")} <code>{PULL}</code>
            </p>
          )}
        </div>
      )}
    </div>
  );
}

interface ModelItemProps {
  readonly entry: ModelEntry;
  readonly checked: boolean;
  readonly choose: (byKey: boolean) => void;
}

function ModelItem({ entry, checked, choose }: ModelItemProps): JSX.Element {
  const { title, license, decoderBytes, totalBytes, state } = entry;
  return (
    <button
      type="button"
      role="menuitemradio"
      aria-checked={checked}
      class="menu-item"
      data-testid="model"
      data-model={entry.id}
      onClick={(event) => choose(event.detail === 0)}
    >
      <span class="model-mark">{checked && <Icon name="check" />}</span>
      <span class="menu-words">
        {title}
        <small>{speedText(entry)}</small>
        <small>{t("models.size", { size: bytesText(decoderBytes), total: bytesText(totalBytes) })}</small>
        <small class="model-license" title={license}>
          {license}
        </small>
      </span>
      {(state === "ready" || state === "loading") && (
        <span class={`model-state model-${state}`}>{t(`models.state.${state}`)}</span>
      )}
    </button>
  );
}

function speedText({ encodeMs, measured }: ModelEntry): string {
  if (encodeMs === null || measured === null) return t("models.speed.unknown");
  return t(`models.speed.${measured}`, { time: durationText(encodeMs) });
}
