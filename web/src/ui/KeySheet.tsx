import type { JSX } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";

import type { CommandId } from "../app/commands";
import { COMMANDS } from "../app/commands";
import { t } from "../text";
import { useDispatch, useSelect } from "./context";
import { Icon } from "./icons";
import { KeyRow } from "./KeyRow";
import { keyNames } from "./key-names";

const MOUSE = ["left", "right", "drag", "point", "move", "pick", "wheel", "pan"] as const;

/** Which key of which command waits for another; one beyond the last is a further key. */
export interface KeySlot {
  readonly id: CommandId;
  readonly index: number;
}

/** What mouse and keys do; each command's keys can be changed here. */
export function KeySheet(): JSX.Element {
  const dispatch = useDispatch();
  const open = useSelect((state) => state.view.dialog === "keys");
  const overrides = useSelect((state) => state.preferences.keys);
  const [slot, setSlot] = useState<KeySlot | null>(null);
  const dialog = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    if (open) dialog.current?.showModal();
    else dialog.current?.close();
    setSlot(null);
  }, [open]);
  const close = (): void => dispatch({ type: "dialog/show", dialog: null });
  return (
    <dialog
      ref={dialog}
      class="key-sheet panel"
      aria-labelledby="key-sheet-title"
      data-testid="key-sheet"
      onCancel={(event) => {
        if (event.target === dialog.current) close(); // Esc: at once, so that a second Esc finds it closed
      }}
      onClose={() => {
        if (dialog.current?.open !== true) close(); // the event comes late: by then it may have been opened again
      }}
      onClick={(event) => {
        if (event.target === dialog.current) close();
      }}
    >
      <div class="key-sheet-inner">
        <header>
          <h2 id="key-sheet-title">{t("keys.title")}</h2>
          <button type="button" class="button" aria-label={t("keys.close")} onClick={close}>
            <Icon name="close" />
          </button>
        </header>
        <div class="key-columns">
          <Uses />
          <section>
            <header>
              <h3>{t("keys.keyboard")}</h3>
              <button
                type="button"
                class="button button-small button-quiet"
                disabled={Object.keys(overrides).length === 0}
                data-testid="keys-reset"
                onClick={() => {
                  setSlot(null);
                  dispatch({ type: "preferences/keys", keys: {} });
                }}
              >
                {t("keys.reset.all")}
              </button>
            </header>
            <p class="hint">{t("keys.hint")}</p>
            <dl>
              {COMMANDS.map((command) => (
                <KeyRow
                  key={command.id}
                  command={command}
                  overrides={overrides}
                  waiting={slot?.id === command.id ? slot.index : null}
                  wait={(index) => setSlot(index === null ? null : { id: command.id, index })}
                />
              ))}
            </dl>
          </section>
        </div>
      </div>
    </dialog>
  );
}

/** What the mouse does, and the keys that are the same for everybody. */
function Uses(): JSX.Element {
  const dispatch = useDispatch();
  const arrows = ["arrowleft", "arrowright", "arrowup", "arrowdown"].flatMap(keyNames).join(" ");
  return (
    <section>
      <h3>{t("keys.mouse")}</h3>
      <dl>
        {MOUSE.map((name) => (
          <div key={name}>
            <dt>{t(`mouse.${name}`)}</dt>
            <dd>{t(`mouse.${name}.does`)}</dd>
          </div>
        ))}
      </dl>
      <h3>{t("keys.picture")}</h3>
      <dl>
        <div>
          <dt>{arrows}</dt>
          <dd>{t("keys.arrows.does")}</dd>
        </div>
        <div>
          <dt>{`${keyNames("shift").join("")} + ${arrows}`}</dt>
          <dd>{t("keys.arrows.fast")}</dd>
        </div>
        <div>
          <dt>{`${keyNames("alt").join("")} + ${["arrowup", "arrowdown"].flatMap(keyNames).join(" ")}`}</dt>
          <dd>{t("keys.arrows.order")}</dd>
        </div>
      </dl>
      <button
        type="button"
        class="button button-text button-quiet"
        data-testid="keys-tour"
        onClick={() => {
          dispatch({ type: "dialog/show", dialog: null });
          dispatch({ type: "preferences/tour", step: 0 });
        }}
      >
        {t("tour.start")}
      </button>
    </section>
  );
}
