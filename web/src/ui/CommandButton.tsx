import type { ComponentChildren, JSX } from "preact";
import { useCallback } from "preact/hooks";

import type { CommandId } from "../app/commands";
import { commandById } from "../app/commands";
import type { AppState } from "../app/state";
import type { TextKey } from "../text";
import { t } from "../text";
import { useApp, useSelect } from "./context";
import type { IconName } from "./icons";
import { Icon } from "./icons";
import { keyNames, useCommandKey } from "./key-names";

interface CommandButtonProps {
  readonly id: CommandId;
  readonly icon?: IconName;
  readonly pressed?: boolean;
  readonly hint?: TextKey;
  readonly class?: string;
  /** What the tour calls it. */
  readonly tour?: string;
  readonly tip?: "right" | "below" | "above" | "none";
  readonly children?: ComponentChildren;
}

export function Keys({ chord }: { readonly chord: string }): JSX.Element {
  return (
    <span class="keys">
      {keyNames(chord).map((name) => (
        <kbd key={name}>{name}</kbd>
      ))}
    </span>
  );
}

/** The first key that runs a command. */
export function CommandKeys({ id }: { readonly id: CommandId }): JSX.Element | null {
  const chord = useCommandKey(id);
  return chord === null ? null : <Keys chord={chord} />;
}

/** A button that runs a command; its tooltip says what it does and which key does the same. */
export function CommandButton(props: CommandButtonProps): JSX.Element {
  const { store } = useApp();
  const command = commandById(props.id);
  const enabled = useSelect(useCallback((state: AppState) => command.enabled(state), [command]));
  const label = t(`command.${props.id}`);
  return (
    <button
      type="button"
      class={`button ${props.class ?? ""}`}
      disabled={!enabled}
      aria-label={label}
      aria-pressed={props.pressed}
      data-testid={`command-${props.id}`}
      data-tour={props.tour}
      onClick={() => store.dispatch(command.action(store.get()))}
    >
      {props.icon && <Icon name={props.icon} />}
      {props.children}
      {props.tip !== "none" && (
        <span class={`tip tip-${props.tip ?? "right"}`} aria-hidden="true">
          <span>
            {label}
            <CommandKeys id={props.id} />
          </span>
          {props.hint && <small>{t(props.hint)}</small>}
        </span>
      )}
    </button>
  );
}
