import type { PictureRecord } from "./port";
import { isObject, isPicture } from "./shapes";

/*
 * A workspace file is a ZIP:
 *   pictures/<id>-<name>   the picture's file as it was opened, stored
 *   documents/<id>.json    its document: objects, prompts, undo, and the steps that they refer to
 *   results/<id>.bin       the masks of these steps: of each its packed length (uint32, little-endian) and it, packed (pack.ts)
 *   workspace.json         the format's name, the pictures in their order with the names of their files, what they share
 * Ids of pictures, steps, objects and points are from one count, and mean nothing outside the file.
 */

const FORMAT = "segserve-workspace";
const VERSION = 1;

export const MANIFEST = "workspace.json";

const MIB = 1024 * 1024;
export const LIMITS = {
  pictures: 10_000,
  /** Files in the ZIP. */
  entries: 32_000,
  /** Bytes of the file: a ZIP without 64-bit lengths. */
  file: 4096 * MIB - 64 * MIB,
  /** Bytes of all files in it, unpacked. */
  unpacked: 16_384 * MIB,
  manifest: 64 * MIB,
  document: 256 * MIB,
  result: 256 * MIB,
} as const;

/** Larger ids than anyone makes are refused, so that renumbered ones stay whole numbers. */
export const LARGEST_ID = 2 ** 40;

/**
 * `not_a_workspace`: no ZIP, or none of ours; `newer`: a newer version of the page wrote it; `damaged`: cut off or changed;
 * `unsafe`: made to do harm (paths that lead elsewhere, entries that overlap or unpack to more than they say);
 * `too_large`: beyond the limits.
 */
export type WorkspaceFileCode = "not_a_workspace" | "newer" | "damaged" | "unsafe" | "too_large";

export class WorkspaceFileError extends Error {
  constructor(
    readonly code: WorkspaceFileCode,
    message: string,
  ) {
    super(`${code}: ${message}`);
  }
}

export interface ListedPicture {
  readonly record: PictureRecord;
  /** Name of its file in the ZIP. */
  readonly file: string;
  /** Media type; "" when it is not known. */
  readonly type: string;
}

export interface Manifest {
  readonly pictures: readonly ListedPicture[];
  /** As in WorkspaceIndex. */
  readonly extra: unknown;
}

export interface SkippedPicture {
  readonly name: string;
  readonly reason: string;
}

export const documentEntry = (id: number): string => `documents/${id}.json`;
export const resultsEntry = (id: number): string => `results/${id}.bin`;

const LONGEST_NAME = 120;

/** A name that every system can unpack; the picture's own name is in the manifest. */
export function pictureEntry(id: number, name: string): string {
  // eslint-disable-next-line no-control-regex
  const safe = name.replace(/[\u0000-\u001f\u007f<>:"/\\|?*]/g, "_").replace(/[. ]+$/, "_");
  const short = new TextDecoder().decode(new TextEncoder().encode(safe.slice(-LONGEST_NAME))); // no half of a character
  return `pictures/${id}-${short || "picture"}`;
}

export function writeManifest({ pictures, extra }: Manifest): string {
  const listed = pictures.map(({ record, file, type }) => ({ ...record, file, type }));
  return JSON.stringify({ format: `${FORMAT}/${VERSION}`, pictures: listed, extra }, null, 1);
}

/** Raises `WorkspaceFileError`; pictures that have not the right shape are skipped one by one. */
export function readManifest(text: string): { manifest: Manifest; skipped: SkippedPicture[] } {
  const fields = parse(text);
  checkFormat(fields.format);
  const listed = fields.pictures;
  if (!Array.isArray(listed)) throw new WorkspaceFileError("damaged", "workspace.json lists no pictures.");
  if (listed.length > LIMITS.pictures) throw new WorkspaceFileError("too_large", `${listed.length} pictures`);
  const skipped: SkippedPicture[] = [];
  const pictures: ListedPicture[] = [];
  const seen = new Set<string | number>();
  for (const entry of listed as unknown[]) {
    const picture = listedPicture(entry);
    if (typeof picture === "string") skipped.push({ name: nameOf(entry), reason: picture });
    else if (seen.has(picture.record.id) || seen.has(picture.file)) {
      skipped.push({ name: picture.record.name, reason: "twice" });
    } else {
      seen.add(picture.record.id).add(picture.file);
      pictures.push(picture);
    }
  }
  return { manifest: { pictures, extra: fields.extra }, skipped };
}

function parse(text: string): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(text);
    if (isObject(parsed)) return parsed;
  } catch {
    // Told below.
  }
  throw new WorkspaceFileError("damaged", "workspace.json is no JSON object.");
}

function checkFormat(format: unknown): void {
  const [, version] = (typeof format === "string" ? /^segserve-workspace\/(\d{1,6})$/.exec(format) : null) ?? [];
  if (version === undefined) throw new WorkspaceFileError("not_a_workspace", "The format is another one.");
  if (Number(version) > VERSION) throw new WorkspaceFileError("newer", `Its format has version ${version}.`);
}

function listedPicture(entry: unknown): ListedPicture | string {
  if (!isPicture(entry)) return "record";
  const { id, name, bytes, width, height } = entry;
  if (id > LARGEST_ID) return "id";
  const { file, type } = entry as PictureRecord & Record<string, unknown>;
  if (typeof file !== "string" || !file.startsWith("pictures/")) return "file";
  const known = typeof type === "string" && /^image\/[a-z0-9.+-]{1,60}$/.test(type);
  // Another server, or this one later, gives the picture its id anew.
  const record = { id, name: name.slice(0, 255), bytes, width, height, imageId: null };
  return { record, file, type: known ? type : "" };
}

const nameOf = (entry: unknown): string =>
  isObject(entry) && typeof entry.name === "string" ? entry.name.slice(0, 255) : "";
