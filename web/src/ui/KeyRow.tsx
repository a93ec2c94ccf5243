import type { JSX } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";

import type { Command } from "../app/commands";
import { chordOf } from "../app/commands";
import { assign, canAddKey, holdersOf, isAssignable, removeKey, resetKeys } from "../app/keys";
import type { KeyOverrides } from "../app/preferences";
import { keysOf } from "../app/preferences";
import { t } from "../text";
import { Keys } from "./CommandButton";
import { useDispatch } from "./context";
import { Icon } from "./icons";
import { keyText } from "./key-names";

const MODIFIERS: readonly string[] = ["Control", "Meta", "Alt", "AltGraph", "Shift", "CapsLock", "Dead", "Process"];

interface KeyRowProps {
  readonly command: Command;
  readonly overrides: KeyOverrides;
  /** Which of its keys waits for another. */
  readonly waiting: number | null;
  readonly wait: (index: number | null) => void;
}

/** A command with its keys. A click on one waits for the new one; what others have is swapped only when asked for. */
export function KeyRow({ command, overrides, waiting, wait }: KeyRowProps): JSX.Element {
  const dispatch = useDispatch();
  const name = t(`command.${command.id}`);
  const keys = keysOf(command, overrides);
  const set = (changed: KeyOverrides): void => dispatch({ type: "preferences/keys", keys: changed });
  return (
    <div data-testid={`keys-${command.id}`}>
      <dt>{name}</dt>
      <dd>
        {keys.map((chord, index) => (
          <button
            key={chord}
            type="button"
            class="key-button"
            aria-label={t("keys.change", { key: keyText(chord), name })}
            aria-pressed={waiting === index}
            data-testid="key"
            onClick={() => wait(waiting === index ? null : index)}
          >
            <Keys chord={chord} />
          </button>
        ))}
        {canAddKey(command, overrides) && (
          <button
            type="button"
            class="key-button"
            aria-label={t("keys.add", { name })}
            aria-pressed={waiting === keys.length}
            data-testid="key-add"
            onClick={() => wait(waiting === keys.length ? null : keys.length)}
          >
            <Icon name="plus" />
          </button>
        )}
        {command.id in overrides && (
          <button
            type="button"
            class="key-button"
            aria-label={t("keys.reset", { name })}
            data-testid="key-reset"
            onClick={() => {
              wait(null);
              set(resetKeys(overrides, command));
            }}
          >
            <Icon name="undo" />
          </button>
        )}
      </dd>
      {waiting !== null && (
        <KeyCatcher command={command} overrides={overrides} index={waiting} set={set} close={() => wait(null)} />
      )}
    </div>
  );
}

interface KeyCatcherProps {
  readonly command: Command;
  readonly overrides: KeyOverrides;
  readonly index: number;
  readonly set: (overrides: KeyOverrides) => void;
  readonly close: () => void;
}

function KeyCatcher({ command, overrides, index, set, close }: KeyCatcherProps): JSX.Element {
  const field = useRef<HTMLButtonElement>(null);
  const [pressed, setPressed] = useState<string | null>(null);
  useLayoutEffect(() => field.current?.focus(), [index]);
  const holders = pressed === null ? [] : holdersOf(pressed, command, overrides);
  const take = (chord: string): void => {
    set(assign(overrides, command, index, chord));
    leave();
  };
  /** The focus goes to the command's first key, for this row goes away. */
  const leave = (): void => {
    const row = field.current?.closest("div");
    close();
    row?.querySelector("button")?.focus();
  };
  const press = (event: KeyboardEvent): void => {
    if (event.key === "Tab") return;
    event.preventDefault();
    event.stopPropagation();
    if (event.repeat || MODIFIERS.includes(event.key)) return;
    if (event.key === "Escape") return leave();
    const chord = chordOf(event);
    if (isAssignable(command, chord) && holdersOf(chord, command, overrides).length === 0) take(chord);
    else setPressed(chord);
  };
  return (
    <dd class="key-catcher" data-testid="key-catcher">
      <button
        ref={field}
        type="button"
        class="button button-text"
        onKeyDown={press}
        onKeyUp={(event) => event.preventDefault()}
      >
        {pressed === null ? t("keys.press") : <Keys chord={pressed} />}
      </button>
      <span role="status">{pressed === null ? "" : saying(command, pressed, holders)}</span>
      {pressed !== null && isAssignable(command, pressed) && (
        <button
          type="button"
          class="button button-text button-primary"
          data-testid="key-swap"
          onClick={() => take(pressed)}
        >
          {t("keys.swap")}
        </button>
      )}
      {index < keysOf(command, overrides).length && (
        <button
          type="button"
          class="button button-text button-quiet"
          data-testid="key-remove"
          onClick={() => {
            set(removeKey(overrides, command, index));
            leave();
          }}
        >
          {t("keys.remove")}
        </button>
      )}
      <button type="button" class="button button-text button-quiet" onClick={leave}>
        {t("keys.cancel")}
      </button>
    </dd>
  );
}

function saying(command: Command, chord: string, holders: readonly Command[]): string {
  if (!isAssignable(command, chord)) return t("keys.reserved");
  return t("keys.taken", { name: holders.map(({ id }) => t(`command.${id}`)).join(", ") });
}
