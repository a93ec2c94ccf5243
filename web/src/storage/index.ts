import { askFor, claim } from "./claim";
import { openIndexedDb } from "./indexed-db";
import { MemoryStore } from "./memory";
import type { WorkspaceStore } from "./port";

const NAME = "segserve";

/** Frees the workspace of the tab that has it, so that this one finds it when it is loaded again. */
export const askForWorkspace = (): Promise<void> => askFor(NAME);

/**
 * The browser's storage, or, where there is none to be had or another tab works in it, memory. `onAsked`: another tab wants
 * it, and waits until the store is closed.
 */
export async function openWorkspaceStore(
  onAsked: (taken: boolean) => void = () => undefined,
  name = NAME,
): Promise<WorkspaceStore> {
  const release = await claim(name, onAsked);
  if (release === null) return new MemoryStore("elsewhere");
  const inMemory = (why: "unavailable" | "unreadable", error: unknown): MemoryStore => {
    console.warn(`Segserve: nothing will outlive this page: ${String(error)}`);
    return new MemoryStore(why);
  };
  let store: WorkspaceStore;
  try {
    store = await openIndexedDb(name, release, () => onAsked(true));
  } catch (error) {
    release();
    return inMemory("unavailable", error);
  }
  try {
    await store.load();
    await store.loadDocuments();
    return store;
  } catch (error) {
    store.close(); // what is written over work that could not be read is lost
    return inMemory("unreadable", error);
  }
}
