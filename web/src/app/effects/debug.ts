import type { MaskSummary } from "../../decode/protocol";
import type { Rle } from "../../geometry/rle";
import { docOf, draftMask, draftOf, draftStep } from "../selectors";
import type { MaskRef } from "../state";
import type { Store } from "../store";
import type { PlacedLogits, Rectangle } from "../../geometry/mask";
import type { Resources } from "../mask-library";
import type { EngineKeeper } from "./engine";

/** What end-to-end tests may read. Nothing can be changed through it. */
export interface DebugView {
  readonly imageId: string | null;
  readonly phase: string;
  /** Id of the model whose decoder runs. */
  readonly model: string;
  readonly backend: string | null;
  readonly threads: number;
  readonly ms: number | null;
  /** Steps made for this picture so far, undone ones included. */
  readonly steps: number;
  readonly objects: number;
  /** A click is being answered. */
  readonly busy: boolean;
  /** A preview of the mask under the pointer is painted. */
  readonly hovering: boolean;
  /** null for a mask that was mended by hand. */
  readonly scores: readonly (number | null)[];
  /** Where the interactive model looks just now. */
  readonly looking: Rectangle | null;
  /** Pictures of the workspace. */
  readonly pictures: number;
  /** The picture's camera: view = image * zoom + offset, in CSS pixels of the canvas. */
  readonly camera: { readonly zoom: number; readonly x: number; readonly y: number };
  /** The canvas's size as the page knows it, in CSS pixels: that of the last frame. */
  readonly viewSize: { readonly width: number; readonly height: number };
  /** Pixels of what is shown of the picture, and of the part that is shown by itself. */
  readonly shown: { readonly width: number; readonly detail: Rectangle | null } | null;
  /** Of all logits of the preview and of the draft's mask: those of the same decode have the same. */
  readonly sums: { readonly hover: number | null; readonly draft: number | null };
  /** The n-th object's mask, as `lastMask` gives the last one's. */
  objectMask(n: number): Promise<Rle | null>;
  /** The draft's mask as the COCO file would hold it; without a draft the last object's; null without either. */
  lastMask(): Promise<Rle | null>;
}

export function exposeDebugView(store: Store, engine: EngineKeeper, resources: Resources): void {
  const rleOf = async (mask: MaskRef | null | undefined): Promise<Rle | null> => {
    const { picture } = store.get();
    if (mask == null || picture === null) return null;
    const task = { kind: "summarise", masks: [mask] } as const;
    const [summary]: MaskSummary[] = await engine.call<"summarise">(task);
    return summary?.rle ?? null;
  };
  const view: DebugView = {
    get imageId() {
      return store.get().picture?.imageId ?? null;
    },
    get phase() {
      return store.get().picture?.phase ?? "empty";
    },
    get model() {
      return store.get().engine.model;
    },
    get backend() {
      return store.get().engine.backend;
    },
    get threads() {
      return store.get().engine.threads;
    },
    get ms() {
      return store.get().engine.lastMs;
    },
    get steps() {
      return Object.keys(store.get().steps).length;
    },
    get objects() {
      return docOf(store.get()).objects.length;
    },
    get busy() {
      return draftStep(store.get())?.status === "waiting";
    },
    get hovering() {
      return store.get().hoverShown;
    },
    get scores() {
      return draftStep(store.get())?.candidates.map((candidate) => candidate.iou) ?? [];
    },
    get looking() {
      return store.get().view.looking;
    },
    get pictures() {
      return store.get().workspace.entries.length;
    },
    get camera() {
      return { ...store.get().view.camera };
    },
    get viewSize() {
      return { ...store.get().view.size };
    },
    get shown() {
      const { bitmap, detail } = resources;
      return bitmap === null ? null : { width: bitmap.width, detail: detail?.area ?? null };
    },
    get sums() {
      const sumOf = (logits: PlacedLogits | null): number | null => {
        if (logits === null) return null;
        let sum = 0;
        for (const value of logits.data) sum += value;
        return sum;
      };
      const { step, candidate } = draftOf(store.get());
      const { library } = resources;
      return { hover: sumOf(library.hover), draft: step === null ? null : sumOf(library.get(step, candidate)) };
    },
    objectMask: (n) => rleOf(docOf(store.get()).objects[n]),
    lastMask: () => rleOf(draftMask(store.get()) ?? docOf(store.get()).objects.at(-1)),
  };
  Object.defineProperty(window, "__segserve", { value: Object.freeze(view) });
}
