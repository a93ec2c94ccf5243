import type { Rle } from "../geometry/rle";

export interface ImportedMask {
  readonly name: string;
  readonly label: string;
  readonly rle: Rle;
}

/** A picture that annotations may be of. */
export interface KnownPicture {
  readonly id: number;
  /** With its folder, if it came with one. */
  readonly name: string;
  readonly width: number;
  readonly height: number;
}

export interface AnnotationFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** Why something of a file was left out, `count` of it; `soft_edges`: a file's greys, taken for edges of one object. */
export interface Skipped {
  readonly code:
    "not_annotations" | "no_such_picture" | "size_differs" | "not_a_mask" | "broken" | "too_many" | "soft_edges";
  readonly path: string;
  readonly count: number;
}

export interface Imported {
  readonly pictures: readonly { readonly id: number; readonly objects: readonly ImportedMask[] }[];
  readonly skipped: readonly Skipped[];
}

/** What one file holds: masks by picture. */
export interface Reading {
  readonly found: readonly { readonly picture: KnownPicture; readonly mask: ImportedMask }[];
  readonly skipped: readonly Omit<Skipped, "path">[];
}

/** Files of words beside the annotations, which name no picture. */
export const isClassList = (path: string): boolean => /(^|\/)(classes|labels|obj)\.(txt|names)$/i.test(path);

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null;
export const textOr = (value: unknown, otherwise: string): string => (typeof value === "string" ? value : otherwise);
