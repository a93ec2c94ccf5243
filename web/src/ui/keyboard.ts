import { commandFor } from "../app/commands";
import type { Store } from "../app/store";

/** Keys run commands, except where text is typed. A focused button keeps Enter and Space for itself. */
export function attachKeyboard(store: Store): () => void {
  const press = (event: KeyboardEvent): void => {
    const { target } = event;
    if (target instanceof HTMLElement && (target.isContentEditable || target.matches("input, textarea, select")))
      return;
    const onButton = target instanceof HTMLElement && target.closest("button, [role=dialog]") !== null;
    if (onButton && (event.key === "Enter" || event.key === " ")) return;
    if (event.key === " ") event.preventDefault(); // Space moves the picture and scrolls nothing
    if (event.key === " " && event.repeat) return;
    if (event.key === "Tab" && (event.shiftKey || !isCanvas(target))) return; // Tab walks, except from the picture
    if (store.get().workspace.place === "yielded") return;
    const command = commandFor(event, store.get());
    if (command === null) return;
    if (event.repeat && command.id.startsWith("crosshair.")) return event.preventDefault(); // a press is one, however long
    if (store.get().view.dialog !== null && command.id !== "cancel") return;
    if (command.enabled(store.get())) {
      event.preventDefault();
      store.dispatch(command.action(store.get()));
    } else if (event.ctrlKey || event.metaKey) event.preventDefault();
  };
  const stop = new AbortController();
  window.addEventListener("keydown", press, { signal: stop.signal });
  window.addEventListener("click", releaseFocus, { signal: stop.signal });
  return () => stop.abort();
}

const isCanvas = (target: EventTarget | null): boolean =>
  target === document.body || (target instanceof HTMLElement && target.classList.contains("canvas"));

/** A button that was clicked with a pointer lets the focus go, so that Enter and Space mean the picture again. */
function releaseFocus(event: MouseEvent): void {
  if (event.detail === 0 || !(event.target instanceof Element)) return;
  const button = event.target.closest("button");
  if (button !== null && button.closest("[role=menu], dialog") === null) button.blur();
}
