/** One line of the model menu. */
export interface ModelEntry {
  readonly id: string;
  readonly revision: string;
  readonly title: string;
  readonly license: string;
  /** What the browser downloads of it. */
  readonly decoderBytes: number;
  /** Of the whole bundle, on the server. */
  readonly totalBytes: number;
  readonly encodeMs: number | null;
  /** Where that was measured: by this server, or where the bundle was made. */
  readonly measured: "here" | "elsewhere" | null;
  /** In the server's memory or not; null where the server does not say. */
  readonly state: "idle" | "loading" | "ready" | null;
}

/** An interactive model, which refines masks in the browser. */
export interface ClickModelEntry {
  readonly id: string;
  readonly revision: string;
  readonly title: string;
  readonly license: string;
  /** What the browser downloads of it. */
  readonly bytes: number;
}

export interface ModelsState {
  /** The interactive model in use; null: the server has none, or it does not run here. */
  readonly clicks: ClickModelEntry | null;
  /** All that the server has. */
  readonly clickEntries: readonly ClickModelEntry[];
  readonly entries: readonly ModelEntry[];
  readonly chosen: string | null;
  /** The last refreshing failed: the list may be an old one. */
  readonly stale: boolean;
}

export const NO_MODELS: ModelsState = { clicks: null, clickEntries: [], entries: [], chosen: null, stale: false };

export function chosenEntry({ entries, chosen }: ModelsState): ModelEntry | null {
  return entries.find((entry) => entry.id === chosen) ?? null;
}

/** Where the bar stands when the expected time is over; from there on it nears the next, and never the end. */
const ON_TIME = 0.8;
const AT_MOST = 0.95;

/** 0..1 of an encode of which nothing but its usual time is known. */
export function estimatedPart(elapsedMs: number, expectedMs: number): number {
  const times = elapsedMs / expectedMs;
  return times <= 1 ? ON_TIME * times : AT_MOST - (AT_MOST - ON_TIME) / times;
}
