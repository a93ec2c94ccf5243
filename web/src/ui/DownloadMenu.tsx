import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

import type { ExportFormat } from "../app/actions";
import { exportable } from "../app/selectors";
import { t } from "../text";
import { CommandKeys } from "./CommandButton";
import { useDispatch, useSelect } from "./context";
import type { IconName } from "./icons";
import { Icon } from "./icons";

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

  useEffect(() => {
    if (!open) return;
    const items = [...(menu.current?.querySelectorAll<HTMLElement>("[role=menuitem]") ?? [])];
    items[0]?.focus();
    const stop = new AbortController();
    const outside = (event: Event): void => {
      if (menu.current?.contains(event.target as Node)) return;
      event.stopPropagation();
      setOpen(false);
    };
    const press = (event: KeyboardEvent): void => {
      if (event.key === "Tab") return setOpen(false);
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step === undefined && event.key !== "Escape") return;
      event.preventDefault();
      event.stopPropagation();
      if (step === undefined) leave();
      else items.at((items.findIndex((item) => item === document.activeElement) + step) % items.length)?.focus();
    };
    window.addEventListener("pointerdown", outside, { capture: true, signal: stop.signal });
    window.addEventListener("keydown", press, { capture: true, signal: stop.signal });
    return () => stop.abort();
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
              <span>
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
