import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";

import type { Action } from "../app/actions";
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
  const several = models.clickEntries.length > 1;
  const choose = (byKey: boolean, action: Action): void => {
    if (byKey) leave();
    else show(false); // after a pointer, Enter means the picture again
    dispatch(action);
  };
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
            <div class="menu-group" role="group" aria-label={t("models.promptable")}>
              {several && <h3 aria-hidden="true">{t("models.promptable")}</h3>}
              {models.entries.map((entry) => (
                <ModelItem
                  key={entry.id}
                  entry={entry}
                  checked={entry.id === models.chosen}
                  choose={(byKey) => choose(byKey, { type: "request/model", id: entry.id })}
                />
              ))}
            </div>
            {several && (
              <div class="menu-group" role="group" aria-label={t("models.clicks")}>
                <h3 aria-hidden="true">{t("models.clicks")}</h3>
                {models.clickEntries.map((entry) => (
                  <Item
                    key={entry.id}
                    entry={entry}
                    checked={entry.id === models.clicks?.id}
                    testId="click-model"
                    choose={(byKey) => choose(byKey, { type: "preferences/click-model", id: entry.id })}
                  >
                    <small>{t("models.clicks.size", { size: bytesText(entry.bytes) })}</small>
                  </Item>
                ))}
              </div>
            )}
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

interface ItemProps<Entry> {
  readonly entry: Entry;
  readonly checked: boolean;
  readonly choose: (byKey: boolean) => void;
}

function ModelItem({ entry, checked, choose }: ItemProps<ModelEntry>): JSX.Element {
  const { decoderBytes, totalBytes, state } = entry;
  const mark = (state === "ready" || state === "loading") && (
    <span class={`model-state model-${state}`}>{t(`models.state.${state}`)}</span>
  );
  return (
    <Item entry={entry} checked={checked} choose={choose} testId="model" mark={mark}>
      <small>{speedText(entry)}</small>
      <small>{t("models.size", { size: bytesText(decoderBytes), total: bytesText(totalBytes) })}</small>
    </Item>
  );
}

interface AnyItemProps extends ItemProps<Pick<ModelEntry, "id" | "title" | "license">> {
  readonly testId: string;
  readonly mark?: ComponentChildren;
  readonly children: ComponentChildren;
}

function Item({ entry, checked, choose, testId, mark, children }: AnyItemProps): JSX.Element {
  const { title, license } = entry;
  return (
    <button
      type="button"
      role="menuitemradio"
      aria-checked={checked}
      class="menu-item"
      data-testid={testId}
      data-model={entry.id}
      onClick={(event) => choose(event.detail === 0)}
    >
      <span class="model-mark">{checked && <Icon name="check" />}</span>
      <span class="menu-words">
        {title}
        {children}
        <small class="model-license" title={license}>
          {license}
        </small>
      </span>
      {mark}
    </button>
  );
}

function speedText({ encodeMs, measured }: ModelEntry): string {
  if (encodeMs === null || measured === null) return t("models.speed.unknown");
  return t(`models.speed.${measured}`, { time: durationText(encodeMs) });
}
