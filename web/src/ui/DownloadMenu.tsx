import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";

import { exportable, exportableCount } from "../app/selectors";
import { t } from "../text";
import { CommandKeys } from "./CommandButton";
import { useDispatch, useSelect } from "./context";
import { Icon } from "./icons";
import { useMenu } from "./menu";

/** With their keys, where they have some. */
const FORMATS = [
  { format: "coco", icon: "file", command: "export.coco" },
  { format: "coco_polygons", icon: "file", command: null },
  { format: "yolo", icon: "file", command: null },
  { format: "voc", icon: "file", command: null },
  { format: "labelme", icon: "file", command: null },
  { format: "geojson", icon: "file", command: null },
  { format: "svg", icon: "picture", command: null },
  { format: "mask", icon: "layers", command: "export.mask" },
  { format: "masks", icon: "layers", command: null },
  { format: "label_map", icon: "layers", command: null },
  { format: "cutout", icon: "picture", command: "export.cutout" },
] as const;

export function DownloadMenu(): JSX.Element {
  const dispatch = useDispatch();
  const [open, setOpen] = useState(false);
  const [every, setEvery] = useState(false);
  const menu = useRef<HTMLDivElement>(null);
  const count = useSelect((state) => exportable(state).length);
  const pictures = useSelect((state) => state.workspace.entries.length);
  const total = useSelect(exportableCount);
  const all = pictures > 1 && (every || count === 0);

  const leave = useMenu(menu, open, setOpen);

  return (
    <div class="menu-holder" ref={menu}>
      <button
        type="button"
        class="button button-text button-primary"
        disabled={pictures === 0}
        aria-haspopup="menu"
        aria-expanded={open}
        aria-label={t("bar.download")}
        data-testid="download"
        data-tour="download"
        onClick={() => setOpen(!open)}
      >
        <Icon name="download" />
        <span class="wide-only">{t("bar.download")}</span>
      </button>
      {open && (
        <div class="menu menu-long panel" role="menu">
          {pictures > 1 && (
            <div class="menu-switch" role="group" aria-label={t("download.which")}>
              {[false, true].map((value) => (
                <button
                  key={String(value)}
                  type="button"
                  role="menuitemradio"
                  aria-checked={all === value}
                  disabled={!value && count === 0}
                  data-testid={value ? "download-every" : "download-this"}
                  onClick={() => setEvery(value)}
                >
                  {value ? t("download.all", { count: pictures }) : t("download.this")}
                </button>
              ))}
            </div>
          )}
          {FORMATS.map(({ format, icon, command }) => (
            <button
              key={format}
              type="button"
              role="menuitem"
              class="menu-item"
              disabled={total === 0}
              title={total === 0 ? t("download.nothing") : undefined}
              data-testid={`download-${format}`}
              onClick={(event) => {
                if (event.detail === 0) leave();
                else setOpen(false); // after a pointer, Enter means the picture again
                dispatch({ type: "request/export", format, all });
              }}
            >
              <Icon name={icon} />
              <span class="menu-words">
                {t(`download.${format}`)}
                <small>{t(`download.${format}.does`)}</small>
              </span>
              {command !== null && <CommandKeys id={command} />}
            </button>
          ))}
          <button
            type="button"
            role="menuitem"
            class="menu-item menu-apart"
            data-testid="download-workspace"
            onClick={(event) => {
              if (event.detail === 0) leave();
              else setOpen(false);
              dispatch({ type: "request/workspace" });
            }}
          >
            <Icon name="file" />
            <span class="menu-words">
              {t("download.workspace")}
              <small>{t("download.workspace.does")}</small>
            </span>
          </button>
        </div>
      )}
    </div>
  );
}
