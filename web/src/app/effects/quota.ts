import type { WorkspaceStore } from "../../storage/port";
import { bytesText } from "../../text/numbers";

/** Of the quota, from where on people are warned, and how much more is told again. */
const NEARLY_FULL = 0.8;
const STEP = 0.05;

type Tell = (code: "storage_nearly_full" | "storage_short", detail: string) => void;

/** Says that the browser's storage is nearly full before it is, once for every twentieth of it. */
export class QuotaWatch {
  #told = 0;

  constructor(
    private readonly shelf: Promise<WorkspaceStore>,
    private readonly tell: Tell,
  ) {}

  /** After something was written. */
  async look(): Promise<void> {
    const estimate = await (await this.shelf).estimate();
    if (estimate === null) return;
    const share = estimate.usage / estimate.quota;
    const level = Math.floor(share / STEP);
    if (share >= NEARLY_FULL && level > this.#told) {
      this.tell("storage_nearly_full", `${Math.round(100 * share)}`);
      this.#told = level;
    } else if (share < NEARLY_FULL - STEP) this.#told = 0; // not at every swing about a step
  }

  /** Before pictures of so many bytes are written. */
  async expect(bytes: number): Promise<void> {
    const estimate = await (await this.shelf).estimate();
    if (estimate === null || estimate.usage + bytes <= estimate.quota) return;
    const room = Math.max(0, estimate.quota - estimate.usage);
    this.tell("storage_short", `${bytesText(bytes)} > ${bytesText(room)}`);
  }
}
