/** What the page lets tests read (web/src/app/effects/debug.ts), and what `recorder.ts` writes down. */
interface DebugView {
  readonly imageId: string | null;
  readonly phase: string;
  readonly model: string;
  readonly backend: string | null;
  readonly threads: number;
  readonly ms: number | null;
  readonly steps: number;
  readonly objects: number;
  readonly busy: boolean;
  readonly hovering: boolean;
  readonly scores: readonly (number | null)[];
  readonly looking: { x: number; y: number; width: number; height: number } | null;
  readonly pictures: number;
  readonly viewSize: { readonly width: number; readonly height: number };
  readonly camera: { readonly zoom: number; readonly x: number; readonly y: number };
  readonly shown: {
    readonly width: number;
    readonly detail: { x: number; y: number; width: number; height: number } | null;
  } | null;
  /** Of all logits: two masks of the same decode have the same. */
  readonly sums: { readonly hover: number | null; readonly draft: number | null };
  objectMask(n: number): Promise<{ size: [number, number]; counts: string } | null>;
  lastMask(): Promise<{ size: [number, number]; counts: string } | null>;
}

interface Recorded {
  /** Kinds of the tasks that were sent to the decode worker; a hover preview is "hover". */
  readonly tasks: string[];
  /** Phases that the status line showed. */
  readonly phases: string[];
  /** Tasks that the worker had at once. */
  readonly most: { hover: number };
  /** Steps whose masks the worker holds. */
  held: number;
}

interface Window {
  readonly __segserve: DebugView;
  readonly __recorded: Recorded;
}
