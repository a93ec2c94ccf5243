import type { RefObject } from "preact";
import { useEffect } from "preact/hooks";

/**
 * A menu's keys while it is open: arrows, Home and End walk, Escape leaves (`leave` gives the focus back), Tab and a
 * press outside close it. `holder` holds the button and the items; the checked item, or the first, gets the focus.
 */
export function useMenu(
  holder: RefObject<HTMLElement | null>,
  open: boolean,
  close: () => void,
  leave: () => void,
): void {
  useEffect(() => {
    if (!open) return;
    const itemsNow = (): HTMLElement[] => [
      ...(holder.current?.querySelectorAll<HTMLElement>("[role=menuitem], [role=menuitemradio]") ?? []),
    ];
    const first = itemsNow();
    (first.find((item) => item.ariaChecked === "true") ?? first[0])?.focus();
    const stop = new AbortController();
    const outside = (event: Event): void => {
      if (holder.current?.contains(event.target as Node)) return;
      event.stopPropagation();
      close();
    };
    const press = (event: KeyboardEvent): void => {
      if (event.key === "Tab") return close();
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
}
