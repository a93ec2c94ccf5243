import { t } from "../text";
import { numberText } from "../text/numbers";

export { bytesText } from "../text/numbers";

/** "85 ms", "1.4 s", "23 s". */
export function durationText(ms: number): string {
  if (ms < 950) return t("time.ms", { n: numberText(Math.max(1, ms)) });
  return t("time.s", { n: numberText(ms / 1000, ms < 9950 ? 1 : 0) });
}
