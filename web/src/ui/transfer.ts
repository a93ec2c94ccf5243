import type { Store } from "../app/store";

/** Kinds of what can be opened (`dropped` of app/effects/opening.ts): an address may come as text too. */
const OPENED: ReadonlySet<string> = new Set(["Files", "text/uri-list", "text/plain"]);

/** Pictures that are dropped or pasted anywhere on the page. */
export function attachTransfer(store: Store): () => void {
  const stop = new AbortController();
  const { signal } = stop;
  let depth = 0; // dragenter and dragleave come for every element that is crossed

  const open = (files: FileList | undefined | null): boolean => {
    const all = [...(files ?? [])];
    if (all.length > 0) store.dispatch({ type: "request/open", files: all });
    return all.length > 0;
  };
  const over = (on: boolean): void => {
    if (store.get().view.dropping !== on) store.dispatch({ type: "drop/hover", over: on });
  };

  window.addEventListener(
    "dragenter",
    (event) => {
      event.preventDefault();
      if (event.dataTransfer?.types.some((type) => OPENED.has(type)) !== true) return; // a row of the page's own list
      depth++;
      over(true);
    },
    { signal },
  );
  window.addEventListener(
    "dragleave",
    () => {
      depth = Math.max(depth - 1, 0);
      if (depth === 0) over(false);
    },
    { signal },
  );
  window.addEventListener("dragover", (event) => event.preventDefault(), { signal });
  window.addEventListener(
    "drop",
    (event) => {
      event.preventDefault();
      depth = 0;
      over(false);
      if (event.dataTransfer !== null) store.dispatch({ type: "request/transfer", transfer: event.dataTransfer });
    },
    { signal },
  );
  window.addEventListener(
    "paste",
    (event) => {
      if (open(event.clipboardData?.files)) event.preventDefault();
    },
    { signal },
  );
  return () => stop.abort();
}
