/** Not in the names of files on some system. */
// eslint-disable-next-line no-control-regex
const UNSAFE = /[\\:*?"<>|\u0000-\u001f]/g;
const LONGEST_PART = 100;
export const ENDING = /(?<=[^/])\.[^./]{1,5}$/;

/** File names without their ending, safe on every system, folders kept, no two alike. */
export function stemsOf(names: readonly string[]): string[] {
  const taken = new Set<string>();
  return names.map((name) => unused(taken, stemOf(name)));
}

/** The names as they are, but where one comes again, that of its other files, `image-2.png`: no two alike. */
export function fileNamesOf(names: readonly string[]): string[] {
  const stems = stemsOf(names);
  const taken = new Set(names.map((name) => name.toLowerCase()));
  const seen = new Set<string>();
  return names.map((name, i) => {
    if (seen.has(name)) return unused(taken, stems[i] ?? `${i}`, ENDING.exec(name)?.[0]);
    seen.add(name);
    return name;
  });
}

/** What a picture's own files are called, and what they call it. */
export interface FileNames {
  readonly stem: string;
  readonly fileName: string;
}

/** Of pictures of these names, no two alike. */
export function filesOf(names: readonly string[]): FileNames[] {
  const [stems, fileNames] = [stemsOf(names), fileNamesOf(names)];
  return names.map((name, i) => ({ stem: stems[i] ?? name, fileName: fileNames[i] ?? name }));
}

interface Named {
  readonly name: string;
  readonly files?: FileNames;
}

/** Those that the pictures were given among more, or those of these alone. */
export function filesFor(pictures: readonly Named[]): FileNames[] {
  const alone = filesOf(pictures.map(({ name }) => name));
  return pictures.map(({ name, files }, i) => files ?? alone[i] ?? { stem: name, fileName: name });
}

function unused(taken: Set<string>, stem: string, ending = ""): string {
  let unique = stem + ending;
  for (let n = 2; taken.has(unique.toLowerCase()); n++) unique = `${stem}-${n}${ending}`;
  taken.add(unique.toLowerCase());
  return unique;
}

function stemOf(name: string): string {
  const parts = name.split("/").filter((part) => !/^\.*\s*$/.test(part));
  const last = parts.length - 1;
  const safe = parts.map((part, i) => safeName(i === last ? part.replace(ENDING, "") : part));
  return safe.join("/") || "picture";
}

/** One part of a path. */
export function safeName(part: string): string {
  const points = Array.from(part.replace(UNSAFE, "_").replace(/\//g, "_")); // a pair of surrogates stays together
  const safe = points.slice(0, LONGEST_PART).join("");
  return safe.replace(/[. ]+$/, "") || "_";
}
