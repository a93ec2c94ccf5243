import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const EMBEDDED = fileURLToPath(new URL("../../../server/bundles/segserve-lite/", import.meta.url));

export const SECOND = { id: "second", title: "Second Model" } as const;

interface Manifest {
  files: Record<string, { sha256: string; bytes: number; role: string }>;
  preprocessing: { resize: string };
}

/** The revision as server/domain/bundle.py defines it. */
function revisionOf(files: Manifest["files"]): string {
  const lines = Object.keys(files).sort().map((name) => `${name} ${files[name]?.sha256 ?? ""}\n`); // prettier-ignore
  return createHash("sha256").update(lines.join("")).digest("hex").slice(0, 16);
}

/**
 * The embedded model once more under another name, as `directory`/second/: with one file more, so that its revision is
 * another, and told to pad its pictures instead of stretching them, so that its masks lie on them in another way.
 */
export function makeSecondBundle(directory: string): void {
  rmSync(directory, { recursive: true, force: true });
  const target = join(directory, SECOND.id);
  mkdirSync(target, { recursive: true });
  for (const name of readdirSync(EMBEDDED)) copyFileSync(join(EMBEDDED, name), join(target, name));
  const manifest = JSON.parse(readFileSync(join(EMBEDDED, "bundle.json"), "utf8")) as Manifest;
  const note = Buffer.from("The embedded model under another name, for tests of the page.\n");
  writeFileSync(join(target, "note.txt"), note);
  const sha256 = createHash("sha256").update(note).digest("hex");
  const files = { ...manifest.files, "note.txt": { sha256, bytes: note.length, role: "other" } };
  const preprocessing = { ...manifest.preprocessing, resize: "longest_side" };
  const speed = { encode_ms: 1234, decode_ms: 20, threads: 2, machine: "a machine that a test made up" };
  const changed = {
    ...manifest,
    ...SECOND,
    format_version: 2,
    revision: revisionOf(files),
    preprocessing,
    files,
    speed,
  };
  writeFileSync(join(target, "bundle.json"), JSON.stringify(changed));
}
