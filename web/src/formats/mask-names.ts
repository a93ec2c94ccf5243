import { decode } from "fast-png";

import type { AnnotationFile } from "./reading";
import { isRecord, stemKey, textOr } from "./reading";

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

/** Whether a file's name tells that it holds masks; `of`: `stemKey` of the pictures that are open or come with it. */
export function isMaskName(path: string, of: ReadonlySet<string>): boolean {
  const folder = NUMBERED.exec(path)?.[1];
  return MASK.test(path) || (folder !== undefined && of.has(stemKey(folder)));
}

/** The file name of the picture that a mask belongs to, by its own. */
export const pictureNameOf = (path: string): string => path.replace(/[-_.](labels?|masks?|seg)(?=\.png$)/i, "");

/** Whether a mask of that name belongs to one of the pictures, by its name or its folder's; `of` as above. */
export function belongs(path: string, of: ReadonlySet<string>): boolean {
  const folder = path.split("/").at(-2);
  return of.has(stemKey(pictureNameOf(path))) || (folder !== undefined && of.has(stemKey(folder)));
}

/** The JSON beside a label map. */
export const isLegend = (data: unknown): data is { readonly objects: readonly unknown[] } =>
  isRecord(data) && "picture" in data && Array.isArray(data.objects);

/** The files that came together: some say what the objects of others are called. */
export class FilesBeside {
  readonly #byPath: ReadonlyMap<string, AnnotationFile>;
  readonly #labels: readonly string[];

  constructor(files: readonly AnnotationFile[]) {
    this.#byPath = new Map(files.map((file) => [file.path.toLowerCase(), file]));
    const list = files.find(({ path }) => /(^|\/)labels\.txt$/i.test(path));
    this.#labels = list === undefined ? [] : new TextDecoder().decode(list.bytes).split(/\r?\n/);
  }

  /** VOC's class map beside a map of objects says what those are, and has none of its own. */
  isNamesAlone({ path }: AnnotationFile): boolean {
    return VOC_MAP.exec(path)?.[1]?.toLowerCase() === "class" && this.#twin(path) !== undefined;
  }

  /** The names of a mask PNG's objects: our own legend, VOC's class map, or the file's name. */
  namesOf({ path }: AnnotationFile): MaskNames {
    const label = NUMBERED.exec(path)?.[2] ?? "";
    return this.#byLegend(path) ?? this.#byClassMap(path) ?? (() => ({ name: "", label }));
  }

  #byLegend(path: string): MaskNames | null {
    const legend = this.#byPath.get(path.toLowerCase().replace(/\.png$/, ".json"));
    if (legend === undefined) return null;
    const data: unknown = JSON.parse(new TextDecoder().decode(legend.bytes));
    if (!isLegend(data)) return null;
    const byValue = new Map(data.objects.filter(isRecord).map((object) => [object.value, object]));
    return (value) => {
      const object = byValue.get(value);
      return { name: textOr(object?.name, ""), label: textOr(object?.label, "") };
    };
  }

  #byClassMap(path: string): MaskNames | null {
    const classMap = this.#twin(path);
    if (classMap === undefined || this.#labels.length === 0) return null;
    const { data, channels, depth } = decode(classMap.bytes);
    if (channels !== 1 || depth !== 8) return null;
    return (_, at) => ({ name: "", label: this.#labels[data[at] ?? 0] ?? "" });
  }

  /** VOC's other map of the same picture. */
  #twin(path: string): AnnotationFile | undefined {
    const other = path.replace(VOC_MAP, (kind) => (kind.toLowerCase() === "class" ? "Object" : "Class"));
    return other === path ? undefined : this.#byPath.get(other.toLowerCase());
  }
}
