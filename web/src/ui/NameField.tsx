import type { JSX } from "preact";
import { useRef } from "preact/hooks";

import { fieldKeys } from "./field-keys";

interface NameFieldProps {
  readonly class: string;
  readonly maxLength: number;
  readonly value?: string;
  readonly placeholder: string;
  readonly label: string;
  readonly testId: string;
  readonly finish: (text: string) => void;
  /** Takes the field away; without `finish` where Escape leaves it. */
  readonly close: () => void;
}

/** Has the focus as long as it is there, and goes away once its text is finished or left. */
export function NameField({ value, label, testId, finish, close, ...look }: NameFieldProps): JSX.Element {
  const finished = useRef(false); // a field that goes away loses the focus too, and would finish once more
  const leave = (): void => {
    finished.current = true;
    close();
  };
  const end = (text: string): void => {
    if (finished.current) return;
    leave();
    finish(text.trim());
  };
  return (
    <input
      {...look}
      type="text"
      defaultValue={value}
      aria-label={label}
      data-testid={testId}
      ref={(input) => input?.focus()}
      onBlur={(event) => end(event.currentTarget.value)}
      onKeyDown={fieldKeys(end, leave)}
    />
  );
}
