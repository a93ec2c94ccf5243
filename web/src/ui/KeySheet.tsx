import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";

import { COMMANDS } from "../app/commands";
import { t } from "../text";
import { Keys } from "./CommandButton";
import { useDispatch, useSelect } from "./context";
import { Icon } from "./icons";

const MOUSE = ["left", "right", "drag", "point", "move", "pick", "wheel", "pan"] as const;

export function KeySheet(): JSX.Element {
  const dispatch = useDispatch();
  const open = useSelect((state) => state.view.dialog === "keys");
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (open) dialog.current?.showModal();
    else dialog.current?.close();
  }, [open]);
  const close = (): void => dispatch({ type: "dialog/show", dialog: null });
  return (
    <dialog
      ref={dialog}
      class="key-sheet panel"
      aria-labelledby="key-sheet-title"
      data-testid="key-sheet"
      onClose={close}
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
          </section>
          <section>
            <h3>{t("keys.keyboard")}</h3>
            <dl>
              {COMMANDS.map((command) => (
                <div key={command.id}>
                  <dt>{t(`command.${command.id}`)}</dt>
                  <dd>
                    {command.keys.map((chord) => (
                      <Keys key={chord} chord={chord} />
                    ))}
                  </dd>
                </div>
              ))}
            </dl>
          </section>
        </div>
      </div>
    </dialog>
  );
}
