/** Not in the names of files on some system. */
// eslint-disable-next-line no-control-regex
const UNSAFE = /[\\:*?"<>|\u0000-\u001f]/g;
const LONGEST_PART = 100;

/** File names without their ending, safe on every system, folders kept, no two alike. */
export function stemsOf(names: readonly string[]): string[] {
  const taken = new Set<string>();
  return names.map((name) => {
    const stem = stemOf(name);
    let unique = stem;
    for (let n = 2; taken.has(unique.toLowerCase()); n++) unique = `${stem}-${n}`;
    taken.add(unique.toLowerCase());
    return unique;
  });
}

function stemOf(name: string): string {
  const parts = name.split("/").filter((part) => !/^\.*\s*$/.test(part));
  const last = parts.length - 1;
  const safe = parts.map((part, i) => safeName(i === last ? part.replace(/(?<=.)\.[^.]{1,5}$/, "") : part));
  return safe.join("/") || "picture";
}

/** One part of a path. */
export function safeName(part: string): string {
  const points = Array.from(part.replace(UNSAFE, "_").replace(/\//g, "_")); // a pair of surrogates stays together
  const safe = points.slice(0, LONGEST_PART).join("");
  return safe.replace(/[. ]+$/, "") || "_";
}
