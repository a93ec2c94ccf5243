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
    if (event.key === " ") return event.preventDefault(); // Space moves the picture and scrolls nothing
    const command = commandFor(event);
    if (command === null) return;
    if (store.get().view.dialog !== null && command.id !== "cancel") return;
    if (command.enabled(store.get())) {
      event.preventDefault();
      store.dispatch(command.action(store.get()));
    } else if (event.ctrlKey || event.metaKey) event.preventDefault();
  };
  window.addEventListener("keydown", press);
  return () => window.removeEventListener("keydown", press);
}
