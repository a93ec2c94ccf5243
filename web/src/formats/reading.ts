import type { Rle } from "../geometry/rle";
import { safeName } from "./names";

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

/** Why something of a file was left out; `count` of it. */
export interface Skipped {
  readonly code: "not_annotations" | "no_such_picture" | "size_differs" | "not_a_mask" | "broken" | "too_many";
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

/** The picture of that file name, else of that stem; letters' case and folders count only where names are alike. */
export function pictureOf(name: string, pictures: readonly KnownPicture[]): KnownPicture | null {
  const wanted = plain(name);
  const whole = pictures.filter((picture) => plain(picture.name) === wanted);
  if (whole[0] !== undefined) return whole[0];
  const last = wanted.split("/").at(-1) ?? wanted;
  const same = pictures.filter((picture) => (plain(picture.name).split("/").at(-1) ?? "") === last);
  if (same[0] !== undefined) return same[0];
  const stem = stemOf(last);
  return pictures.find((picture) => stemOf(plain(picture.name).split("/").at(-1) ?? "") === stem) ?? null;
}

/** As the name looks after a way through other systems. */
const plain = (name: string): string =>
  name.replaceAll("\\", "/").replace(/^\.\//, "").split("/").map(safeName).join("/").toLowerCase();
const stemOf = (name: string): string => name.replace(/(?<=.)\.[^.]{1,5}$/, "");

/** Two names with the same key name the same picture, whatever folder and ending they have. */
export const stemKey = (name: string): string => stemOf(plain(name).split("/").at(-1) ?? "");

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null;
export const textOr = (value: unknown, otherwise: string): string => (typeof value === "string" ? value : otherwise);
