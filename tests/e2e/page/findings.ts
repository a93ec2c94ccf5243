import { readFileSync, writeFileSync } from "node:fs";

/** What a proof found, for model_export/bench/page_proofs.py: each figure with all its values. */
export interface Findings {
  readonly figures: { title: string; unit: string; values: number[] }[];
  readonly notes: string[];
}

/** A setting of the proofs: a number, smaller for a quick look. */
export function count(name: string, otherwise: number): number {
  return Number(process.env[name] ?? otherwise);
}

export function keep(findings: Findings): void {
  const path = process.env["PROOF_OUT"];
  if (path === undefined) console.log(JSON.stringify(findings, null, 1));
  else writeFileSync(path, JSON.stringify(findings));
}

/** An object of a picture that is read from outside the project. */
export interface KnownObject {
  readonly path: string;
  readonly rle: { readonly size: readonly [number, number]; readonly counts: string };
}

export function knownObjects(): KnownObject[] {
  const path = process.env["PROOF_OBJECTS"];
  return path === undefined ? [] : (JSON.parse(readFileSync(path, "utf8")) as KnownObject[]);
}
