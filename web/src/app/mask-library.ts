import type { PlacedLogits, Rectangle } from "../geometry/mask";

export interface StoredMasks {
  readonly candidates: readonly PlacedLogits[];
}

/** Copies of the logits that are painted now. The worker owns the originals; what is not shown is let go. */
export class MaskLibrary {
  readonly #steps = new Map<number, StoredMasks>();
  #hover: PlacedLogits | null = null;

  get hover(): PlacedLogits | null {
    return this.#hover;
  }

  setHover(logits: PlacedLogits | null): void {
    this.#hover = logits;
  }

  has(step: number): boolean {
    return this.#steps.has(step);
  }

  set(step: number, masks: StoredMasks): void {
    this.#steps.set(step, masks);
  }

  get(step: number, candidate: number): PlacedLogits | null {
    return this.#steps.get(step)?.candidates[candidate] ?? null;
  }

  candidatesOf(step: number): readonly PlacedLogits[] {
    return this.#steps.get(step)?.candidates ?? [];
  }

  keepOnly(steps: readonly number[]): void {
    for (const step of this.#steps.keys()) if (!steps.includes(step)) this.#steps.delete(step);
  }

  clear(): void {
    this.#steps.clear();
    this.#hover = null;
  }
}

/** What the state cannot hold: pixels, files, logits. Pixels and logits are the open picture's. */
export interface Resources {
  /** Smaller than the picture where that is large. */
  bitmap: ImageBitmap | null;
  /** Then what is in sight, from near: a part of the picture (ImagePx) by itself. */
  detail: { readonly bitmap: ImageBitmap; readonly area: Rectangle } | null;
  file: Blob | null;
  readonly library: MaskLibrary;
}

export function emptyResources(): Resources {
  return { bitmap: null, detail: null, file: null, library: new MaskLibrary() };
}
