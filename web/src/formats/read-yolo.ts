import { fillRings } from "../geometry/contours";
import { imagePoint } from "../geometry/frames";
import { rasterToRle } from "../geometry/raster";
import type { PictureIndex } from "./picture-index";
import type { AnnotationFile, Reading } from "./reading";
import { isClassList } from "./reading";

/** The classes' names by number, of a data.yaml or, where none has any, of a list of classes among the files. */
export function yoloNames(files: readonly AnnotationFile[]): string[] {
  const textOf = (file: AnnotationFile | undefined): string =>
    file === undefined ? "" : new TextDecoder().decode(file.bytes).replaceAll("\r", "");
  const names = namesIn(textOf(files.find(({ path }) => /\.ya?ml$/i.test(path))));
  if (names.length > 0) return names;
  const list = textOf(files.find(({ path }) => isClassList(path)));
  return list === "" ? [] : list.trimEnd().split("\n");
}

/** The lines of `names`: indented, of a list or of brackets. */
const NAMES = /^names:(?=\s)(.*(?:\n(?:[ \t#\]}]|-(?=\s)|$).*)*)/m;
const QUOTED = /(?<![^\s[{,:])(?:"(?:[^"\\\n]|\\.)*"|'(?:[^'\n]|'')*')/.source;
const COMMENT = new RegExp(`(${QUOTED})|(?<!\\S)#.*`, "g");
const BETWEEN_COMMAS = new RegExp(`(?:${QUOTED}|[^,])+`, "g");
/** `cat`, `- cat`, `0: cat` */
const ENTRY = /^\s*(?:-(?:\s+|$))?(?:(["']?)(\d+)\1:(?=["'\s]|$))?\s*(.*?)\s*$/s;

/** What YAML lists or numbers under `names`, in lines or in brackets. */
function namesIn(yaml: string): string[] {
  const text = (NAMES.exec(yaml)?.[1] ?? "").replace(COMMENT, "$1").trim();
  const inner = /^[[{](.*)[\]}]$/s.exec(text)?.[1];
  const lines = text.split("\n").filter((line) => /^\s*(?:-(?:\s|$)|["']?\d+["']?:)/.test(line));
  const names: string[] = [];
  for (const [i, entry] of (inner === undefined ? lines : (inner.match(BETWEEN_COMMAS) ?? [])).entries()) {
    const [, , number, name = ""] = ENTRY.exec(entry) ?? [];
    if (name !== "") names[number === undefined ? i : Number(number)] = unquoted(name);
  }
  return names;
}

function unquoted(text: string): string {
  if (/^".*"$/.test(text)) {
    try {
      return String(JSON.parse(text));
    } catch {
      return text.slice(1, -1);
    }
  }
  return /^'.*'$/.test(text) ? text.slice(1, -1).replaceAll("''", "'") : text;
}

/** Lines of a class and a polygon in fractions of the picture. Lines of a class and a box hold no mask. */
export function readYolo(file: AnnotationFile, pictures: PictureIndex, names: readonly string[]): Reading {
  const picture = pictures.find(file.path.replace(/(^|\/)labels\//, "$1"));
  if (picture === null) return { found: [], skipped: [{ code: "no_such_picture", count: 1 }] };
  const found: Reading["found"][number][] = [];
  let boxes = 0;
  let broken = 0;
  for (const line of new TextDecoder().decode(file.bytes).split(/\r?\n/)) {
    if (line.trim() === "") continue;
    const numbers = line.trim().split(/\s+/).map(Number);
    const [index = -1, ...coordinates] = numbers;
    if (numbers.some((value) => !Number.isFinite(value)) || coordinates.length % 2 === 1) broken++;
    else if (coordinates.length < 6) boxes++;
    else {
      const ring = Array.from({ length: coordinates.length / 2 }, (_, i) =>
        imagePoint((coordinates[2 * i] ?? 0) * picture.width, (coordinates[2 * i + 1] ?? 0) * picture.height),
      );
      const label = names[index] ?? `${index}`;
      found.push({ picture, mask: { name: "", label, rle: rasterToRle(fillRings(picture, [ring])) } });
    }
  }
  const counts = [
    { code: "not_a_mask", count: boxes },
    { code: "broken", count: broken },
  ] as const;
  return { found, skipped: counts.filter(({ count }) => count > 0) };
}
