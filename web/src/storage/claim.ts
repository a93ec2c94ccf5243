import { askByAsking, claimByAsking } from "./claim-by-asking";

/** How long a tab that is just being closed or reloaded may take to let the workspace go, and one that has it to say so. */
const PATIENCE_MS = 800;
/** The latter, where each visit waits so long: one that is busy for longer loses the workspace, and can write nothing then. */
const ANSWER_MS = 200;
/** How long a tab that is asked for it may take to write what it has. */
const YIELD_MS = 5000;

const lockOf = (name: string): string => `segserve/${name}`;

/** Only in secure contexts. */
const lockManager = (): LockManager | undefined =>
  (globalThis as { navigator?: { locks?: LockManager } }).navigator?.locks;

const canAsk = (): boolean => typeof BroadcastChannel === "function";

/**
 * One tab at a time owns a workspace, until it is closed: two would write over each other. Resolves to the way to let it
 * go; null: another tab owns it. `onAsked` is called when another tab asks for it, or (`taken`) has it already.
 */
export function claim(name: string, onAsked: (taken: boolean) => void): Promise<(() => void) | null> {
  const locks = lockManager();
  if (locks === undefined) {
    return canAsk() ? claimByAsking(lockOf(name), ANSWER_MS, onAsked) : Promise.resolve(() => undefined);
  }
  return new Promise((resolve) => {
    const hold = (): Promise<void> =>
      new Promise<void>((release) => {
        const channel = new BroadcastChannel(lockOf(name));
        channel.onmessage = () => onAsked(false);
        resolve(() => {
          channel.close();
          release();
        });
      });
    let held = false;
    const signal = AbortSignal.timeout(PATIENCE_MS);
    locks
      .request(lockOf(name), { signal }, () => {
        held = true;
        return hold();
      })
      .catch(() => (held ? onAsked(true) : resolve(null)));
  });
}

/** Asks the tab that owns the workspace to let it go, and takes it from one that does not answer. Then it is free. */
export async function askFor(name: string): Promise<void> {
  const locks = lockManager();
  if (locks === undefined) return canAsk() ? askByAsking(lockOf(name), PATIENCE_MS, YIELD_MS) : undefined;
  const channel = new BroadcastChannel(lockOf(name));
  channel.postMessage("yield");
  const free = (): undefined => undefined;
  try {
    await locks.request(lockOf(name), { signal: AbortSignal.timeout(YIELD_MS) }, free);
  } catch {
    await locks.request(lockOf(name), { steal: true }, free);
  } finally {
    channel.close();
  }
}
