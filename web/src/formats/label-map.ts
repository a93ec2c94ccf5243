import type { Raster } from "../geometry/raster";
import { rleToRaster } from "../geometry/raster";
import { filesFor } from "./names";
import { encodePng } from "./png";
import type { ExportedPicture, FormatFile, FormatWarning, Writer } from "./types";
import { AT_ONCE, categoryOf, warningsOf } from "./types";

/** Each pixel's object, counted from 1 in the order of the list; 0 is none. `hidden`: objects that others lie over. */
export function objectMap(picture: ExportedPicture): { readonly values: Uint16Array; readonly hidden: number } {
  const values = new Uint16Array(picture.width * picture.height);
  const covered = new Set<number>();
  picture.objects.forEach((object, i) => {
    eachPixel(rleToRaster(object.rle), (at) => {
      const below = values[at] ?? 0;
      if (below !== 0) covered.add(below);
      values[at] = i + 1;
    });
  });
  return { values, hidden: covered.size };
}

export function eachPixel({ picture, area, data }: Raster, visit: (at: number) => void): void {
  for (let y = 0; y < area.height; y++) {
    const start = (area.y + y) * picture.width + area.x;
    for (let x = 0; x < area.width; x++) if (data[y * area.width + x] === 1) visit(start + x);
  }
}

/** A grey PNG of object numbers, 8 bits as far as they do, and a JSON that says what each is. */
export const writeLabelMap: Writer = async (pictures, turn = AT_ONCE) => {
  const files: FormatFile[] = [];
  const warnings: FormatWarning[] = [];
  const names = filesFor(pictures);
  for (const [i, picture] of pictures.entries()) {
    await turn(i);
    const { width, height, objects, name } = picture;
    const { values, hidden } = objectMap(picture);
    const narrow = objects.length < 256 ? Uint8Array.from(values) : values;
    const legend = objects.map((object, n) => ({
      value: n + 1,
      category: categoryOf(object),
      name: object.name,
      label: object.label,
      colour: object.colour,
    }));
    const stem = names[i]?.stem ?? `${i}`;
    files.push({ path: `${stem}-labels.png`, data: await encodePng(narrow, width, height) });
    files.push({
      path: `${stem}-labels.json`,
      data: JSON.stringify({ picture: name, width, height, objects: legend }),
    });
    warnings.push(...warningsOf(picture, { overlap_hidden: hidden }));
  }
  return { files, warnings };
};
