import type { StepResult } from "../../decode/protocol";

/** Where results of steps are kept beside the worker, so that nothing that was seen is ever asked again. */
export interface ResultShelf {
  keep(picture: number, step: number, result: StepResult): void;
  /** null: not kept. */
  recall(picture: number, step: number): Promise<StepResult | null>;
  /** Resolves when all that was given is kept; false: it could not be, and whoever has it must go on holding it. */
  settled(): Promise<boolean>;
  forget(steps: readonly number[]): void;
}
