import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

import type { ExportFormat } from "../app/actions";
import { exportable } from "../app/selectors";
import { t } from "../text";
import { Keys } from "./CommandButton";
import { useDispatch, useSelect } from "./context";
import type { IconName } from "./icons";
import { Icon } from "./icons";

const FORMATS: readonly { format: ExportFormat; icon: IconName; chord: string }[] = [
  { format: "coco", icon: "file", chord: "mod+s" },
  { format: "mask", icon: "layers", chord: "mod+shift+s" },
  { format: "cutout", icon: "picture", chord: "mod+shift+x" },
];

export function DownloadMenu(): JSX.Element {
  const dispatch = useDispatch();
  const [open, setOpen] = useState(false);
  const menu = useRef<HTMLDivElement>(null);
  const count = useSelect((state) => exportable(state).length);

  useEffect(() => {
    if (!open) return;
    menu.current?.querySelector<HTMLElement>("[role=menuitem]")?.focus();
    const outside = (event: Event): void => {
      if (event instanceof KeyboardEvent ? event.key === "Escape" : !menu.current?.contains(event.target as Node)) {
        event.stopPropagation();
        setOpen(false);
      }
    };
    window.addEventListener("pointerdown", outside, true);
    window.addEventListener("keydown", outside, true);
    return () => {
      window.removeEventListener("pointerdown", outside, true);
      window.removeEventListener("keydown", outside, true);
    };
  }, [open]);

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
        onClick={() => setOpen(!open)}
      >
        <Icon name="download" />
        <span class="wide-only">{t("bar.download")}</span>
      </button>
      {open && (
        <div class="menu panel" role="menu">
          {FORMATS.map(({ format, icon, chord }) => (
            <button
              key={format}
              type="button"
              role="menuitem"
              class="menu-item"
              data-testid={`download-${format}`}
              onClick={() => {
                setOpen(false);
                dispatch({ type: "request/export", format });
              }}
            >
              <Icon name={icon} />
              <span>
                {t(`download.${format}`)}
                <small>{t(`download.${format}.does`)}</small>
              </span>
              <Keys chord={chord} />
            </button>
          ))}
        </div>
      )}
    </div>
  );
}
