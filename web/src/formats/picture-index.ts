import { ENDING, filesOf, safeName, stemsOf } from "./names";
import type { KnownPicture } from "./reading";

/** As the name looks after a way through other systems. */
const plain = (name: string): string =>
  name.replaceAll("\\", "/").replace(/^\.\//, "").split("/").map(safeName).join("/").toLowerCase();
const withoutEnding = (name: string): string => name.replace(ENDING, "");
const lastOf = (path: string): string => path.split("/").at(-1) ?? "";
const foldersOf = (path: string): string[] => path.split("/").slice(0, -1);

/** What a picture's file is called without folder and ending; a mask may be called so, or the folder that it lies in. */
export const stemKey = (name: string): string => withoutEnding(lastOf(plain(name)));
export const folderKey = (folder: string): string => lastOf(plain(folder));

/** The keys of these pictures, and of the files that we write for them. */
export const keysOf = (names: readonly string[]): Set<string> =>
  new Set([...names.map(stemKey), ...stemsOf(names).map(folderKey)]);

interface Entry {
  readonly picture: KnownPicture;
  readonly path: string;
}

/** Finds the picture that a file of annotations names. */
export class PictureIndex {
  readonly #byFileName = new Map<string, KnownPicture>();
  /** null: of several pictures. */
  readonly #byPath = new Map<string, KnownPicture | null>();
  readonly #byWritten = new Map<string, KnownPicture>();
  readonly #byName = new Map<string, Entry[]>();
  readonly #byStem = new Map<string, Entry[]>();

  constructor(pictures: readonly KnownPicture[]) {
    const names = pictures.map(({ name }) => name);
    const written = filesOf(names);
    for (const [i, picture] of pictures.entries()) {
      const entry = { picture, path: plain(picture.name) };
      this.#byFileName.set(written[i]?.fileName ?? "", picture);
      this.#byPath.set(entry.path, this.#byPath.has(entry.path) ? null : picture);
      this.#byWritten.set((written[i]?.stem ?? "").toLowerCase(), picture);
      append(this.#byName, lastOf(entry.path), entry);
      append(this.#byStem, stemKey(picture.name), entry);
    }
  }

  /**
   * The picture of that path, else of that file name, else of that name without its ending; letters' case does not count.
   * Of several the one whose folders are most alike; null where that leaves several, as of several of that path, or none.
   */
  find(name: string): KnownPicture | null {
    const path = plain(name);
    const exact = this.#byPath.get(path);
    if (exact !== undefined) return exact;
    return nearest(this.#byName.get(lastOf(path)), path) ?? this.findStem(withoutEnding(path));
  }

  /** The same by a name that one file calls each of its pictures by: no two alike. */
  findFileName(name: string): KnownPicture | null {
    return this.#byFileName.get(name) ?? this.find(name);
  }

  /** The same by a name that has no ending. */
  findStem(name: string): KnownPicture | null {
    const path = plain(name);
    return this.#byWritten.get(path) ?? nearest(this.#byStem.get(lastOf(path)), path);
  }
}

function append(map: Map<string, Entry[]>, key: string, entry: Entry): void {
  const entries = map.get(key);
  if (entries === undefined) map.set(key, [entry]);
  else entries.push(entry);
}

function nearest(entries: readonly Entry[] | undefined, path: string): KnownPicture | null {
  const [first, ...more] = entries ?? [];
  if (first === undefined || more.length === 0) return first?.picture ?? null;
  const folders = foldersOf(path);
  const scored = [first, ...more].map((entry) => ({ ...entry, score: alike(folders, foldersOf(entry.path)) }));
  const best = Math.max(...scored.map(({ score }) => score));
  const [one, another] = scored.filter(({ score }) => score === best);
  return another === undefined ? (one?.picture ?? null) : null;
}

/** How many folders are the same, from the last one up. */
function alike(one: readonly string[], other: readonly string[]): number {
  let same = 0;
  while (same < Math.min(one.length, other.length) && one.at(-1 - same) === other.at(-1 - same)) same++;
  return same;
}
