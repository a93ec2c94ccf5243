import type { Logits } from "../geometry/mask";
import type { ResizeRule } from "../geometry/resize";

export interface StoredMasks {
  readonly candidates: readonly Logits[];
}

/** Copies of the logits that are painted now. The worker owns the originals; what is not shown is let go. */
export class MaskLibrary {
  readonly #steps = new Map<number, StoredMasks>();
  #hover: Logits | null = null;

  get hover(): Logits | null {
    return this.#hover;
  }

  setHover(logits: Logits | null): void {
    this.#hover = logits;
  }

  has(step: number): boolean {
    return this.#steps.has(step);
  }

  set(step: number, masks: StoredMasks): void {
    this.#steps.set(step, masks);
  }

  get(step: number, candidate: number): Logits | null {
    return this.#steps.get(step)?.candidates[candidate] ?? null;
  }

  candidatesOf(step: number): readonly Logits[] {
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

/** What the state cannot hold: pixels, files, logits. One picture at a time. */
export interface Resources {
  bitmap: ImageBitmap | null;
  file: File | null;
  /** S of the model's S x S input, how a picture is put into it, and the logit above which a pixel is in the mask. */
  inputSize: number;
  resize: ResizeRule;
  threshold: number;
  readonly library: MaskLibrary;
}

export function emptyResources(): Resources {
  return { bitmap: null, file: null, inputSize: 1, resize: "longest_side", threshold: 0, library: new MaskLibrary() };
}
