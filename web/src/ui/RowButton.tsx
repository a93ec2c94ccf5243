import type { JSX } from "preact";

import type { IconName } from "./icons";
import { Icon } from "./icons";

interface RowButtonProps {
  readonly icon: IconName;
  readonly label: string;
  readonly testId: string;
  readonly pressed?: boolean;
  readonly expanded?: boolean;
  readonly disabled?: boolean;
  readonly act: () => void;
}

/** A small button with a picture on it, in a list or beside a field. */
export function RowButton({ icon, label, testId, pressed, expanded, disabled, act }: RowButtonProps): JSX.Element {
  return (
    <button
      type="button"
      class="button button-small"
      aria-label={label}
      title={label}
      aria-pressed={pressed}
      aria-expanded={expanded}
      disabled={disabled}
      data-testid={testId}
      onClick={act}
    >
      <Icon name={icon} />
    </button>
  );
}
