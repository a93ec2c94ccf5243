import type { TargetedKeyboardEvent } from "preact";

/** How far an arrow goes among the radios of a group; Infinity: to that end. */
const STEPS: Readonly<Record<string, number>> = {
  ArrowLeft: -1,
  ArrowUp: -1,
  ArrowRight: 1,
  ArrowDown: 1,
  Home: -Infinity,
  End: Infinity,
};

/** What `key` makes of the `chosen` of `count` radios, round the ends; null: it is no key of theirs. */
export function radioAfter(key: string, chosen: number, count: number): number | null {
  const step = STEPS[key];
  if (step === undefined) return null;
  if (!Number.isFinite(step)) return step < 0 ? 0 : count - 1;
  return (chosen + step + count) % count;
}

/** Arrows, Home and End choose a radio and go to it, as in the browser's own groups (ARIA's radio group pattern). */
export function radioKeys(
  chosen: number,
  choose: (index: number) => void,
): (event: TargetedKeyboardEvent<HTMLElement>) => void {
  return (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const radios = event.currentTarget.querySelectorAll<HTMLElement>("[role=radio]");
    const next = radioAfter(event.key, chosen, radios.length);
    if (next === null) return;
    event.preventDefault();
    event.stopPropagation();
    choose(next);
    radios[next]?.focus();
  };
}
