import { unzip } from "fflate";

import { belongs, isMaskName } from "../../formats/mask-names";
import { keysOf } from "../../formats/picture-index";
import { isWorkspaceFile } from "../../storage/workspace-import";

/** What a person gave, sorted. */
export interface Opened {
  readonly pictures: readonly File[];
  readonly annotations: readonly File[];
  readonly workspaces: readonly File[];
  /** Files that are neither. */
  readonly skipped: number;
  readonly problem: "zip_broken" | "zip_too_large" | null;
}

const PICTURES: Readonly<Record<string, string>> = {
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  png: "image/png",
  webp: "image/webp",
  bmp: "image/bmp",
  gif: "image/gif",
  tif: "image/tiff",
  tiff: "image/tiff",
};
const TIFF = /\.tiff?$/i;
/** VOC's boxes, whose masks lie beside them. */
const VOC_BOXES = /(^|\/)Annotations\/.+\.xml$/i;
const ANNOTATIONS = new Set(["json", "txt", "yaml", "yml"]);
export const MOST_FILES = 5000;
/** Of a ZIP or a TIFF, unpacked. */
export const MOST_BYTES = 2 * 1024 ** 3;

/**
 * Workspace files apart, other ZIPs unpacked, files of folders sorted as people count, pictures apart from annotations.
 * `open`: names of the pictures that are there already.
 */
export async function sorted(files: readonly File[], open: readonly string[]): Promise<Opened> {
  const all: File[] = [];
  const workspaces: File[] = [];
  let problem: Opened["problem"] = null;
  for (const file of files) {
    if (!isZip(file)) all.push(file);
    else if (await isWorkspaceFile(file)) workspaces.push(file);
    else {
      try {
        all.push(...(await unzipped(file)));
      } catch (error) {
        problem = error instanceof RangeError ? "zip_too_large" : "zip_broken";
      }
    }
  }
  const pictures: File[] = [];
  const annotations: File[] = [];
  let skipped = 0;
  const several = all.length > 1;
  const here = keysOf(open);
  const isPicture = ({ name }: File): boolean => endingOf(name) in PICTURES && !isMaskName(name, new Set());
  const known = several ? keysOf([...open, ...all.filter(isPicture).map(({ name }) => name)]) : here;
  for (const file of byName(all)) {
    const ending = endingOf(file.name);
    if (several && (isHidden(file.name) || VOC_BOXES.test(file.name))) continue;
    const isMask = isMaskName(file.name, known);
    // A mask that comes alone is one of a picture that is open, or a picture itself.
    if (ending === "png" && isMask && (several || belongs(file.name, here))) annotations.push(file);
    else if (TIFF.test(file.name) && isMask && several) skipped++;
    else if (ending in PICTURES || file.type.startsWith("image/")) pictures.push(file);
    else if (ANNOTATIONS.has(ending)) annotations.push(file);
    else if (several || problem !== null) skipped++;
    else pictures.push(file); // one file that was chosen: what is wrong with it is said when it is read
  }
  return {
    pictures: pictures.slice(0, MOST_FILES),
    annotations,
    workspaces,
    skipped: skipped + Math.max(pictures.length - MOST_FILES, 0),
    problem,
  };
}

const endingOf = (name: string): string => /\.(\w+)$/.exec(name.toLowerCase())?.[1] ?? "";
const isZip = (file: File): boolean => endingOf(file.name) === "zip" || file.type === "application/zip";
const isHidden = (path: string): boolean => path.split("/").some((part) => part.startsWith(".") || part === "__MACOSX");

function byName(files: readonly File[]): File[] {
  const collator = new Intl.Collator(undefined, { numeric: true });
  return [...files].sort((a, b) => collator.compare(a.name, b.name));
}

/** Raises RangeError for a ZIP of too much, and whatever fflate says of a broken one. */
async function unzipped(file: File): Promise<File[]> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  let total = 0;
  let count = 0;
  const wanted = (name: string, size: number): boolean => {
    const ending = endingOf(name);
    if (name.endsWith("/") || !(ending in PICTURES || ANNOTATIONS.has(ending))) return false;
    total += size;
    count++;
    if (total > MOST_BYTES || count > MOST_FILES) throw new RangeError("The ZIP holds too much.");
    return true;
  };
  const entries = await new Promise<Record<string, Uint8Array>>((resolve, reject) => {
    unzip(bytes, { filter: ({ name, originalSize }) => wanted(name, originalSize) }, (error, data) => {
      if (error === null) resolve(data);
      else reject(error);
    });
  });
  return Object.entries(entries).map(
    ([name, data]) => new File([data as Uint8Array<ArrayBuffer>], name, { type: PICTURES[endingOf(name)] ?? "" }),
  );
}

/** What was dropped: files, folders with all that is in them, or a picture of another page. Raises TypeError for one that refuses. */
export async function dropped(transfer: DataTransfer): Promise<File[]> {
  // Entries must be asked for before the first wait: after it the drop has forgotten them.
  const entries = [...transfer.items].flatMap((item) => (item.kind === "file" ? [item.webkitGetAsEntry()] : []));
  const loose = [...transfer.files];
  const address = transfer.getData("text/uri-list") || transfer.getData("text/plain");
  if (entries.some((entry) => entry?.isDirectory)) {
    const found: File[] = [];
    for (const entry of entries) if (entry !== null) await collect(entry, "", found);
    return found;
  }
  if (loose.length > 0) return loose;
  return /^(https?|data|blob):/.test(address) ? [await fetched(address.split("\n")[0] ?? address)] : [];
}

async function collect(entry: FileSystemEntry, folder: string, found: File[]): Promise<void> {
  if (found.length >= MOST_FILES || entry.name.startsWith(".")) return;
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
    found.push(new File([file], `${folder}${file.name}`, { type: file.type }));
    return;
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return; // a reader gives a hundred at a time
    for (const child of some) await collect(child, `${folder}${entry.name}/`, found);
  }
}

/** Raises TypeError for an address of another host: the page loads nothing from there (Content-Security-Policy). */
async function fetched(address: string): Promise<File> {
  const { protocol, origin } = new URL(address);
  if (protocol.startsWith("http") && origin !== location.origin) throw new TypeError(origin);
  const response = await fetch(address, { credentials: "omit" });
  if (!response.ok) throw new TypeError(`${response.status}`);
  const blob = await response.blob();
  const name = decodeURIComponent(
    /([^/?#]+)(?:[?#].*)?$/.exec(address.startsWith("data:") ? "" : address)?.[1] ?? "picture",
  );
  return new File([blob], name, { type: blob.type });
}
