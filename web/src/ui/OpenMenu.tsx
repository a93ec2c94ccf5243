import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";

import { t } from "../text";
import { CommandButton } from "./CommandButton";
import { useDispatch } from "./context";
import { Icon } from "./icons";
import { useMenu } from "./menu";

/** Where a phone or a tablet has its camera: the browser's own dialog offers it. */
const hasCamera = (): boolean => matchMedia("(pointer: coarse)").matches;

/** Open, at once; and beside it the other ways. */
export function OpenMenu(): JSX.Element {
  const [open, setOpen] = useState(false);
  const holder = useRef<HTMLDivElement>(null);
  const leave = useMenu(holder, open, setOpen);
  return (
    <div class="menu-holder split" ref={holder}>
      <CommandButton id="open" icon="open" class="button-text" tip="below" tour="open">
        <span class="wide-only">{t("bar.open")}</span>
      </CommandButton>
      <button
        type="button"
        class="button split-more"
        aria-haspopup="menu"
        aria-expanded={open}
        aria-label={t("open.more")}
        title={t("open.more")}
        data-testid="open-more"
        onClick={() => setOpen(!open)}
      >
        <Icon name="down" />
      </button>
      {open && (
        <div class="menu panel" role="menu">
          <OpenWays
            role="menuitem"
            class="menu-item"
            done={(byKey) => {
              if (byKey) leave();
              else setOpen(false);
            }}
          />
        </div>
      )}
    </div>
  );
}

interface OpenWaysProps {
  readonly role?: "menuitem";
  readonly class: string;
  readonly done?: (byKey: boolean) => void;
}

/** The ways beside choosing files. */
export function OpenWays({ role, class: className, done }: OpenWaysProps): JSX.Element {
  const dispatch = useDispatch();
  const ways = hasCamera() ? (["folder", "camera"] as const) : (["folder"] as const);
  return (
    <>
      {ways.map((from) => (
        <button
          key={from}
          type="button"
          role={role}
          class={className}
          data-testid={`open-${from}`}
          onClick={(event) => {
            done?.(event.detail === 0);
            dispatch({ type: "request/pick", from });
          }}
        >
          <Icon name={from} />
          <span class="menu-words">{t(`open.${from}`)}</span>
        </button>
      ))}
    </>
  );
}
