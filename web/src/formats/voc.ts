import { objectMap } from "./label-map";
import { filesFor } from "./names";
import type { Palette } from "./png";
import { encodePng } from "./png";
import type { ExportedPicture, FormatFile, FormatWarning, Writer } from "./types";
import { AT_ONCE, categoriesOf, categoryOf, warningsOf } from "./types";

/** 0 is the background and 255 void; what lies between numbers classes or objects. */
const MOST = 254;

/** The development kit's colours: bit k of the index is bit 7 − k / 3 of red, green and blue in turn. */
export const VOC_PALETTE: Palette = Array.from({ length: 256 }, (_, index) => {
  const colour: [number, number, number] = [0, 0, 0];
  for (let bit = 0, rest = index; bit < 8; bit++, rest >>= 3) {
    for (let channel = 0; channel < 3; channel++)
      colour[channel] = (colour[channel] ?? 0) | (((rest >> channel) & 1) << (7 - bit));
  }
  return colour;
});

/** Pascal VOC's folders: an XML of boxes, a PNG of classes and a PNG of objects for each picture, and the classes' names. */
export const writeVoc: Writer = async (pictures, turn = AT_ONCE) => {
  const categories = categoriesOf(pictures);
  const names = filesFor(pictures);
  const files: FormatFile[] = [];
  const warnings: FormatWarning[] = [];
  for (const [i, picture] of pictures.entries()) {
    await turn(i);
    const { width, height, objects } = picture;
    const stem = names[i]?.stem ?? `${i}`;
    const shown = { ...picture, objects: objects.slice(0, MOST) };
    const { values, hidden } = objectMap(shown);
    const classes = shown.objects.map((object) => Math.min(categories.indexOf(categoryOf(object)) + 1, MOST));
    const classMap = Uint8Array.from(values, (value) => (value === 0 ? 0 : (classes[value - 1] ?? 0)));
    files.push(
      { path: `Annotations/${stem}.xml`, data: xmlOf(picture) },
      { path: `SegmentationClass/${stem}.png`, data: await encodePng(classMap, width, height, VOC_PALETTE) },
      {
        path: `SegmentationObject/${stem}.png`,
        data: await encodePng(Uint8Array.from(values), width, height, VOC_PALETTE),
      },
    );
    warnings.push(
      ...warningsOf(picture, {
        overlap_hidden: hidden,
        too_many_objects: Math.max(objects.length - MOST, 0),
        too_many_classes: shown.objects.filter((object) => categories.indexOf(categoryOf(object)) >= MOST).length,
        empty_left_out: objects.filter(({ area }) => area === 0).length,
      }),
    );
  }
  const labels = ["background", ...categories].map((name) => `${name}\n`).join("");
  return { files: [...files, { path: "labels.txt", data: labels }], warnings };
};

/** Corners count from 1 and lie on pixels, as VOC has them. */
function xmlOf({ name, width, height, objects }: ExportedPicture): string {
  const boxes = objects.flatMap((object) => {
    const [x, y, across, down] = object.bbox;
    if (object.area === 0) return [];
    const box = { xmin: x + 1, ymin: y + 1, xmax: x + across, ymax: y + down };
    const corners = Object.entries(box).map(([key, value]) => `<${key}>${value}</${key}>`);
    return [
      `  <object>\n    <name>${escaped(categoryOf(object))}</name>\n    <pose>Unspecified</pose>\n` +
        `    <truncated>0</truncated>\n    <difficult>0</difficult>\n    <bndbox>${corners.join("")}</bndbox>\n  </object>\n`,
    ];
  });
  const size = `<width>${width}</width><height>${height}</height><depth>3</depth>`;
  return (
    `<annotation>\n  <folder></folder>\n  <filename>${escaped(name)}</filename>\n  <size>${size}</size>\n` +
    `  <segmented>1</segmented>\n${boxes.join("")}</annotation>\n`
  );
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&apos;",
};

/** Characters that XML does not know at all. */
// eslint-disable-next-line no-control-regex
const UNKNOWN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g;

/** For XML's text and attributes. */
export function escaped(text: string): string {
  return text.replace(UNKNOWN, "").replace(/[&<>"']/g, (found) => ENTITIES[found] ?? "");
}
