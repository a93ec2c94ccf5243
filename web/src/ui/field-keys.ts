import type { TargetedKeyboardEvent } from "preact";

/** Enter finishes a field's text, Escape leaves it; while text is composed both belong to the input method. */
export const fieldKeys =
  (finish: (value: string) => void, leave: () => void) =>
  (event: TargetedKeyboardEvent<HTMLInputElement>): void => {
    if (event.isComposing) return;
    if (event.key === "Enter") finish(event.currentTarget.value);
    else if (event.key === "Escape") leave();
  };
