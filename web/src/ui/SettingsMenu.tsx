import type { JSX } from "preact";
import { useRef } from "preact/hooks";

import { LANGUAGE_CHOICES, THEMES } from "../app/preferences";
import type { TextKey } from "../text";
import { t } from "../text";
import { CommandKeys } from "./CommandButton";
import { useDispatch, useSelect } from "./context";
import type { IconName } from "./icons";
import { Icon } from "./icons";
import { useMenu } from "./menu";

const FLIPS = ["off", "on"] as const;

/** What a person chooses about the page itself. Choosing leaves it open, so that one sees what came of it. */
export function SettingsMenu(): JSX.Element {
  const dispatch = useDispatch();
  const open = useSelect((state) => state.view.dialog === "settings");
  const { language, theme, flip } = useSelect((state) => state.preferences);
  const interactive = useSelect((state) => state.models.clicks !== null);
  const holder = useRef<HTMLDivElement>(null);

  const show = (shown: boolean): void => dispatch({ type: "dialog/show", dialog: shown ? "settings" : null });
  useMenu(holder, open, show);

  return (
    <div class="menu-holder settings-holder" ref={holder}>
      <button
        type="button"
        class="button"
        aria-haspopup="menu"
        aria-expanded={open}
        aria-label={t("command.settings")}
        data-testid="settings"
        onClick={() => show(!open)}
      >
        <Icon name="settings" />
        {!open && (
          <span class="tip tip-below" aria-hidden="true">
            <span>
              {t("command.settings")}
              <CommandKeys id="settings" />
            </span>
          </span>
        )}
      </button>
      {open && (
        <div
          class="menu panel settings-menu"
          role="menu"
          aria-label={t("command.settings")}
          data-testid="settings-menu"
        >
          <Choices
            name="language"
            text={(value) => `settings.language.${value}`}
            values={LANGUAGE_CHOICES}
            chosen={language}
            choose={(value) => dispatch({ type: "preferences/language", language: value })}
          />
          <Choices
            name="theme"
            text={(value) => `settings.theme.${value}`}
            values={THEMES}
            chosen={theme}
            choose={(value) => dispatch({ type: "preferences/theme", theme: value })}
          />
          {interactive && (
            <Choices
              name="flip"
              text={(value) => `settings.flip.${value}`}
              values={FLIPS}
              chosen={flip ? "on" : "off"}
              choose={(value) => dispatch({ type: "preferences/flip", flip: value === "on" })}
            />
          )}
          <div class="menu-group">
            <Item
              icon="tour"
              text="tour.start"
              onClick={() => {
                show(false);
                dispatch({ type: "preferences/tour", step: 0 });
              }}
            />
            <Item icon="keys" text="keys.title" onClick={() => dispatch({ type: "dialog/show", dialog: "keys" })} />
          </div>
        </div>
      )}
    </div>
  );
}

interface ChoicesProps<Value extends string> {
  readonly name: "language" | "theme" | "flip";
  readonly text: (value: Value) => TextKey;
  readonly values: readonly Value[];
  readonly chosen: Value;
  readonly choose: (value: Value) => void;
}

function Choices<Value extends string>(props: ChoicesProps<Value>): JSX.Element {
  const { name, text, values, chosen, choose } = props;
  return (
    <div class="menu-group" role="group" aria-label={t(`settings.${name}`)}>
      <h3 aria-hidden="true">{t(`settings.${name}`)}</h3>
      {values.map((value) => (
        <button
          key={value}
          type="button"
          role="menuitemradio"
          aria-checked={value === chosen}
          class="menu-item"
          lang={value === "en" ? "en" : value === "zh" ? "zh-CN" : undefined}
          data-testid={`${name}-${value}`}
          onClick={() => choose(value)}
        >
          <span class="menu-mark">{value === chosen && <Icon name="check" />}</span>
          <span class="menu-words">{t(text(value))}</span>
        </button>
      ))}
    </div>
  );
}

interface ItemProps {
  readonly icon: IconName;
  readonly text: TextKey;
  readonly onClick: () => void;
}

function Item({ icon, text, onClick }: ItemProps): JSX.Element {
  return (
    <button type="button" role="menuitem" class="menu-item" data-testid={`settings-${icon}`} onClick={onClick}>
      <Icon name={icon} />
      <span class="menu-words">{t(text)}</span>
    </button>
  );
}
