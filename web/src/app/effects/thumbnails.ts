import type { Store } from "../store";
import type { FileShelf } from "./files";
import { thumbnailOf } from "../../pictures/pixels";

/** Small pictures for the filmstrip, one after the other, once the open picture has its pixels. */
export function followThumbnails(store: Store, files: FileShelf): void {
  /** Those whose turn has come; one that cannot be read is not tried again. */
  const tried = new Set<number>();
  let busy = false;

  const next = async (): Promise<void> => {
    const { picture, workspace } = store.get();
    const entry = workspace.entries.find(({ id, thumbnail }) => thumbnail === null && !tried.has(id));
    if (busy || entry === undefined || picture?.phase === "reading") return;
    const { id } = entry;
    busy = true;
    tried.add(id);
    try {
      const file = await files.get(id);
      if (file === null) return;
      const thumbnail = URL.createObjectURL(await thumbnailOf(file));
      store.dispatch({ type: "workspace/entry", id, change: { thumbnail } });
    } catch {
      // Its name stands in the strip; what is wrong with it is told when it is opened.
    } finally {
      busy = false;
      void next();
    }
  };

  store.listen((state, before, action) => {
    if (action.type === "workspace/remove") {
      const gone = before.workspace.entries.find(({ id }) => id === action.id);
      if (gone?.thumbnail != null) URL.revokeObjectURL(gone.thumbnail);
    }
    if (state.workspace.entries !== before.workspace.entries || state.picture !== before.picture) void next();
  });
}
