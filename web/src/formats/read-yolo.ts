import { fillRings } from "../geometry/contours";
import { imagePoint } from "../geometry/frames";
import { rasterToRle } from "../geometry/raster";
import type { PictureIndex } from "./picture-index";
import type { AnnotationFile, Reading } from "./reading";
import { isClassList } from "./reading";

/** The classes' names by number, of a data.yaml or a list of classes among the files. */
export function yoloNames(files: readonly AnnotationFile[]): string[] {
  const textOf = (file: AnnotationFile | undefined): string =>
    file === undefined ? "" : new TextDecoder().decode(file.bytes);
  const yaml = textOf(files.find(({ path }) => /\.ya?ml$/i.test(path)));
  const block = /^names:\s*\n((?:\s+\S.*\n?)*)/m.exec(yaml)?.[1];
  if (block !== undefined) {
    const names: string[] = [];
    for (const line of block.split("\n")) {
      const [, number, name] = /^\s+(?:(\d+):|-)\s*(.*?)\s*$/.exec(line) ?? [];
      if (name !== undefined) names[number === undefined ? names.length : Number(number)] = unquoted(name);
    }
    return names;
  }
  const inline = /^names:\s*\[(.*)\]/m.exec(yaml)?.[1];
  if (inline !== undefined) return inline.split(",").map((name) => unquoted(name.trim()));
  const list = textOf(files.find(({ path }) => isClassList(path)));
  return list === "" ? [] : list.trimEnd().split(/\r?\n/);
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
