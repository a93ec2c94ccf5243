import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Rle } from "./masks";
import type { Point } from "./studio";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const EMBEDDED = `${ROOT}server/bundles/segserve-clicks`;
/** Of the interactive model that the server under test has. */
const BUNDLE = process.env["E2E_CLICKS"] ?? EMBEDDED;
export const HAS_CLICKS = existsSync(BUNDLE);

export type Act = readonly [...Point, positive: boolean] | "undo";

/** The masks after each act, by the loop that the server runs (click_loop.py). */
export function serverMasks(picture: string, acts: readonly Act[]): Rle[] {
  const command = [`${ROOT}tests/e2e/page/click_loop.py`, BUNDLE, picture];
  const how = { cwd: ROOT, env: { ...process.env, PYTHONPATH: ROOT }, input: JSON.stringify(acts), maxBuffer: 2 ** 28 };
  return JSON.parse(execFileSync(`${ROOT}.venv/bin/python`, command, how).toString()) as Rle[];
}
