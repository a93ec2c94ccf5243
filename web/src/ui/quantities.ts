import { t } from "../text";

/** "740 kB", "4.2 MB": as decimal units, which file dialogs show too. */
export function bytesText(bytes: number): string {
  const megabytes = bytes / 1e6;
  if (megabytes < 1) return t("bytes.kilo", { n: Math.max(1, Math.round(bytes / 1e3)) });
  return t("bytes.mega", { n: megabytes < 10 ? megabytes.toFixed(1) : Math.round(megabytes) });
}

/** "85 ms", "1.4 s", "23 s". */
export function durationText(ms: number): string {
  if (ms < 950) return t("time.ms", { n: Math.max(1, Math.round(ms)) });
  return t("time.s", { n: ms < 9950 ? (ms / 1000).toFixed(1) : Math.round(ms / 1000) });
}
