import type { RefObject } from "preact";
import { useLayoutEffect } from "preact/hooks";

/**
 * A menu's keys while it is open: arrows, Home and End walk, Escape leaves, Tab and a press outside close
 * it. `holder` holds the button and the items; the checked item, or the first, gets the focus. Returns the way to leave:
 * the menu is closed and its button has the focus again.
 */
export function useMenu(
  holder: RefObject<HTMLElement | null>,
  open: boolean,
  show: (open: boolean) => void,
): () => void {
  const leave = (): void => {
    show(false);
    holder.current?.querySelector<HTMLElement>("[aria-haspopup]")?.focus();
  };
  // Before the next event: a menu that was just closed must not take the key that is meant for the next one.
  useLayoutEffect(() => {
    if (!open) return;
    const itemsNow = (): HTMLElement[] => [
      ...(holder.current?.querySelectorAll<HTMLElement>(":is([role=menuitem], [role=menuitemradio]):not(:disabled)") ??
        []),
    ];
    const first = itemsNow();
    (first.find((item) => item.ariaChecked === "true") ?? first[0])?.focus();
    const stop = new AbortController();
    const outside = (event: Event): void => {
      if (holder.current?.contains(event.target as Node)) return;
      event.stopPropagation();
      show(false);
    };
    const press = (event: KeyboardEvent): void => {
      if (event.key === "Tab") return show(false);
      const items = itemsNow();
      const at = items.findIndex((item) => item === document.activeElement);
      const next = { ArrowDown: (at + 1) % items.length, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
      if (next === undefined && event.key !== "Escape") return;
      event.preventDefault();
      event.stopPropagation();
      if (next === undefined) leave();
      else items.at(next)?.focus();
    };
    window.addEventListener("pointerdown", outside, { capture: true, signal: stop.signal });
    window.addEventListener("keydown", press, { capture: true, signal: stop.signal });
    return () => stop.abort();
  }, [open]);
  return leave;
}
