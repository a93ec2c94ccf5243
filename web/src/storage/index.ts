import { openIndexedDb } from "./indexed-db";
import { MemoryStore } from "./memory";
import type { WorkspaceStore } from "./port";

const NAME = "segserve";

/** How long a tab that is just being closed or reloaded may take to let the workspace go. */
const PATIENCE_MS = 800;

/** The browser's storage, or, where there is none to be had or another tab works in it, memory. */
export async function openWorkspaceStore(name = NAME): Promise<WorkspaceStore> {
  const release = await claim(name);
  if (release === null) return new MemoryStore("elsewhere");
  try {
    return await openIndexedDb(name, release);
  } catch (error) {
    release();
    console.warn(`Segserve: nothing will outlive this page: ${String(error)}`);
    return new MemoryStore();
  }
}

/** One tab at a time owns a workspace, until it is closed: two would write over each other. null: another one does. */
function claim(name: string): Promise<(() => void) | null> {
  const { navigator } = globalThis as { navigator?: { locks?: LockManager } };
  const locks = navigator?.locks; // only in secure contexts
  if (locks === undefined) return Promise.resolve(() => undefined);
  return new Promise((resolve) => {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const held = locks.request(`segserve/${name}`, { signal }, () => new Promise<void>((release) => resolve(release)));
    held.catch(() => resolve(null));
  });
}
