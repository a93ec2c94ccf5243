import type { Resources } from "../mask-library";
import type { Store } from "../store";
import { thumbnailOf } from "./pixels";

/** A small picture for the filmstrip, made when the picture itself has been read. */
export function followThumbnails(store: Store, resources: Resources): void {
  let last: ImageBitmap | null = null;
  store.listen((state, _before, action) => {
    if (action.type === "workspace/remove")
      revoke(_before.workspace.entries.find(({ id }) => id === action.id)?.thumbnail);
    const { bitmap } = resources;
    const id = state.picture?.epoch;
    if (bitmap === null || bitmap === last || id === undefined) return;
    last = bitmap;
    const entry = state.workspace.entries.find((candidate) => candidate.id === id);
    if (entry?.thumbnail !== null) return;
    thumbnailOf(bitmap).then(
      (blob) => store.dispatch({ type: "workspace/entry", id, change: { thumbnail: URL.createObjectURL(blob) } }),
      () => undefined, // another picture was opened: its turn comes again
    );
  });
}

function revoke(url: string | null | undefined): void {
  if (url != null) URL.revokeObjectURL(url);
}
