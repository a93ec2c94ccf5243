import { decode } from "fast-png";

import type { Size } from "../geometry/frames";
import { folderKey, stemKey } from "./picture-index";
import { isSize, pngSizeOf } from "./png";
import type { AnnotationFile } from "./reading";
import { isRecord, textOr } from "./reading";

/** Masks say so by their name or their folder. */
const MASK = /(^|\/)(masks?|segmentation(class|object))\/|[-_.](labels?|masks?|seg)\.(png|tiff?)$/i;
/** A mask of one object, in a folder that is named as its picture. */
const NUMBERED = /(?:^|\/)([^/]+)\/\d+-([^/]+)\.png$/i;
/** VOC has two maps of each picture, one of objects and one of classes. */
const VOC_MAP = /(?<=(?:^|\/)Segmentation)(Object|Class)(?=\/)/i;

export interface MaskName {
  readonly name: string;
  readonly label: string;
}

/** What the object with this value is called; `at`: a pixel of it. */
export type MaskNames = (value: number, at: number) => MaskName;

/** Whether a file's name tells that it holds masks; `of`: `keysOf` the pictures that are open or come with it. */
export function isMaskName(path: string, of: ReadonlySet<string>): boolean {
  const folder = NUMBERED.exec(path)?.[1];
  return MASK.test(path) || (folder !== undefined && of.has(folderKey(folder)));
}

/** The file name of the picture that a mask belongs to, by its own. */
export const pictureNameOf = (path: string): string =>
  path.replace(/^(.*\/)?Segmentation(Object|Class)\//i, "").replace(/[-_.](labels?|masks?|seg)(?=\.png$)/i, "");

/** Whether a mask of that name belongs to one of the pictures, by its name or its folder's; `of` as above. */
export function belongs(path: string, of: ReadonlySet<string>): boolean {
  const folder = path.split("/").at(-2);
  return of.has(stemKey(pictureNameOf(path))) || (folder !== undefined && of.has(folderKey(folder)));
}

interface Legend {
  readonly picture: unknown;
  readonly objects: readonly unknown[];
}

/** The JSON beside a label map. */
export const isLegend = (data: unknown): data is Legend =>
  isRecord(data) && "picture" in data && Array.isArray(data.objects);

/** The files that came together: some say what the objects of others are called. */
export class FilesBeside {
  readonly #byPath: ReadonlyMap<string, AnnotationFile>;

  constructor(files: readonly AnnotationFile[]) {
    this.#byPath = new Map(files.map((file) => [file.path.toLowerCase(), file]));
  }

  /** VOC's class map beside a map of objects says what those are, and has none of its own. */
  isNamesAlone({ path }: AnnotationFile): boolean {
    return VOC_MAP.exec(path)?.[1]?.toLowerCase() === "class" && this.#twin(path) !== undefined;
  }

  /** The name of the picture of a label map, by its legend. */
  pictureOf({ path }: AnnotationFile): string | null {
    const picture = textOr(this.#legend(path)?.picture, "");
    return picture === "" ? null : picture;
  }

  /** The names of a mask PNG's objects: our own legend, VOC's class map of the same size, or the file's name. */
  namesOf({ path }: AnnotationFile, size: Size): MaskNames {
    const label = NUMBERED.exec(path)?.[2] ?? "";
    return this.#byLegend(path) ?? this.#byClassMap(path, size) ?? (() => ({ name: "", label }));
  }

  #byLegend(path: string): MaskNames | null {
    const legend = this.#legend(path);
    if (legend === null) return null;
    const byValue = new Map(legend.objects.filter(isRecord).map((object) => [object.value, object]));
    return (value) => {
      const object = byValue.get(value);
      return { name: textOr(object?.name, ""), label: textOr(object?.label, "") };
    };
  }

  #legend(path: string): Legend | null {
    const file = this.#byPath.get(path.toLowerCase().replace(/\.png$/, ".json"));
    if (file === undefined) return null;
    try {
      const data: unknown = JSON.parse(new TextDecoder().decode(file.bytes));
      return isLegend(data) ? data : null;
    } catch {
      return null; // the map is good without it
    }
  }

  #byClassMap(path: string, size: Size): MaskNames | null {
    const classMap = this.#twin(path);
    const list = this.#labelsAbove(path);
    if (classMap === undefined || list === undefined) return null;
    if (!isSize(pngSizeOf(classMap.bytes), size)) return null;
    try {
      const { data, channels, depth } = decode(classMap.bytes);
      if (channels !== 1 || depth !== 8) return null;
      const labels = new TextDecoder().decode(list.bytes).split(/\r?\n/);
      return (_, at) => ({ name: "", label: labels[data[at] ?? 0] ?? "" });
    } catch {
      return null;
    }
  }

  /** The nearest labels.txt on the way up: two sets may have come together. */
  #labelsAbove(path: string): AnnotationFile | undefined {
    const parts = path.toLowerCase().split("/").slice(0, -1);
    for (; ; parts.pop()) {
      const found = this.#byPath.get([...parts, "labels.txt"].join("/"));
      if (found !== undefined || parts.length === 0) return found;
    }
  }

  /** VOC's other map of the same picture. */
  #twin(path: string): AnnotationFile | undefined {
    const other = path.replace(VOC_MAP, (kind) => (kind.toLowerCase() === "class" ? "Object" : "Class"));
    return other === path ? undefined : this.#byPath.get(other.toLowerCase());
  }
}
