import type { Rle } from "../geometry/rle";
import type { FileNames } from "./names";

export interface ExportedObject {
  readonly id: number;
  /** "" without one. */
  readonly name: string;
  /** Its class; "" without one. */
  readonly label: string;
  /** #rrggbb */
  readonly colour: string;
  readonly rle: Rle;
  /** Of the mask, in pixels. */
  readonly area: number;
  /** Its bounds; without width and height where it is empty. */
  readonly bbox: readonly [x: number, y: number, width: number, height: number];
  /** As the model predicts it; null for a mask that was mended by hand. */
  readonly iou: number | null;
}

export interface ExportedPicture {
  /** With its folder, if it came with one. */
  readonly name: string;
  /** Where there are more pictures than those that are written: what its files are called among all. */
  readonly files?: FileNames;
  readonly width: number;
  readonly height: number;
  /** Later ones lie above earlier ones. */
  readonly objects: readonly ExportedObject[];
}

export interface FormatFile {
  readonly path: string;
  readonly data: string | Uint8Array<ArrayBuffer>;
}

/** What a format could not hold; `count` objects of a picture. */
export interface FormatWarning {
  readonly code:
    | "coco_holes_as_rle"
    | "yolo_holes_lost"
    | "yolo_parts_joined"
    | "overlap_hidden"
    | "too_many_objects"
    | "too_many_classes"
    | "empty_left_out"
    | "picture_gone";
  readonly picture: string;
  readonly count: number;
}

export interface Written {
  readonly files: readonly FormatFile[];
  readonly warnings: readonly FormatWarning[];
}

/** The category of objects without class and name: the same in every language, so that files fit together. */
const UNNAMED = "object";

/** Awaited before each picture, `done` others being written: it lets the page do what waits, and stops the work by raising. */
export type Turn = (done: number) => Promise<void>;

export const AT_ONCE: Turn = () => Promise.resolve();

export type Writer = (pictures: readonly ExportedPicture[], turn?: Turn) => Promise<Written>;

/** What an object is: its class, else its name. */
export const categoryOf = ({ label, name }: ExportedObject): string => label || name || UNNAMED;

/** Every category, in the order of first use. */
export function categoriesOf(pictures: readonly ExportedPicture[]): string[] {
  return [...new Set(pictures.flatMap(({ objects }) => objects.map((object) => categoryOf(object))))];
}

/** Warnings by code and picture; none for none. */
export function warningsOf(
  picture: Pick<ExportedPicture, "name">,
  counts: Partial<Record<FormatWarning["code"], number>>,
): FormatWarning[] {
  return Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([code, count]) => ({ code: code as FormatWarning["code"], picture: picture.name, count }));
}
