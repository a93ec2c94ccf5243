import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";

import type { ExportFormat } from "../app/actions";
import { exportable } from "../app/selectors";
import { t } from "../text";
import { CommandKeys } from "./CommandButton";
import { useDispatch, useSelect } from "./context";
import type { IconName } from "./icons";
import { Icon } from "./icons";
import { useMenu } from "./menu";

const FORMATS: readonly { format: ExportFormat; icon: IconName }[] = [
  { format: "coco", icon: "file" },
  { format: "mask", icon: "layers" },
  { format: "cutout", icon: "picture" },
];

export function DownloadMenu(): JSX.Element {
  const dispatch = useDispatch();
  const [open, setOpen] = useState(false);
  const menu = useRef<HTMLDivElement>(null);
  const count = useSelect((state) => exportable(state).length);

  /** The focus goes back to where it came from. */
  const leave = (): void => {
    setOpen(false);
    menu.current?.querySelector<HTMLElement>("[aria-haspopup]")?.focus();
  };

  useMenu(menu, open, () => setOpen(false), leave);

  return (
    <div class="menu-holder" ref={menu}>
      <button
        type="button"
        class="button button-text button-primary"
        disabled={count === 0}
        aria-haspopup="menu"
        aria-expanded={open}
        aria-label={t("bar.download")}
        title={count === 0 ? t("download.nothing") : undefined}
        data-testid="download"
        data-tour="download"
        onClick={() => setOpen(!open)}
      >
        <Icon name="download" />
        <span class="wide-only">{t("bar.download")}</span>
      </button>
      {open && (
        <div class="menu panel" role="menu">
          {FORMATS.map(({ format, icon }) => (
            <button
              key={format}
              type="button"
              role="menuitem"
              class="menu-item"
              data-testid={`download-${format}`}
              onClick={(event) => {
                if (event.detail === 0) leave();
                else setOpen(false); // after a pointer, Enter means the picture again
                dispatch({ type: "request/export", format });
              }}
            >
              <Icon name={icon} />
              <span class="menu-words">
                {t(`download.${format}`)}
                <small>{t(`download.${format}.does`)}</small>
              </span>
              <CommandKeys id={`export.${format}`} />
            </button>
          ))}
        </div>
      )}
    </div>
  );
}
