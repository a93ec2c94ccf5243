import type { Mask, Rle } from "./page/masks";
import { areaOf, boundsOf, decodeRle, iouOf, unionOf } from "./page/masks";
import type { Pixels } from "./page/pictures";
import { pixelsOf, pngHeader, quadrants, samplePicture } from "./page/pictures";
import type { Studio } from "./page/studio";
import { expect, test } from "./page/test";

const PICTURE = samplePicture("table");

/** Two accepted objects, a name given to the first, and a draft that is not accepted yet. */
async function makeObjects(studio: Studio): Promise<Mask[]> {
  const masks: Mask[] = [];
  await studio.open(PICTURE);
  await studio.click([0.42, 0.3]);
  masks.push(await studio.mask());
  await studio.key("Enter");
  await studio.click([0.84, 0.73]);
  masks.push(await studio.mask());
  await studio.key("Enter");
  await studio.click([0.15, 0.45]);
  masks.push(await studio.mask());
  return masks;
}

function whereAlpha(pixels: Pixels, above: number): Mask {
  const { width, height, data } = pixels;
  const inside = Uint8Array.from({ length: width * height }, (_, at) => ((data[at * 4 + 3] ?? 0) > above ? 1 : 0));
  return { width, height, pixels: inside };
}

function crop(mask: Mask, left: number, top: number, width: number, height: number): Mask {
  const pixels = Uint8Array.from({ length: width * height }, (_, at) => {
    const [x, y] = [left + (at % width), top + Math.floor(at / width)];
    return mask.pixels[y * mask.width + x] ?? 0;
  });
  return { width, height, pixels };
}

/** The files of a picture: other tests opened it before, in the same workspace, where no two are called alike. */
const filesOf = (stem: string, ending: string): RegExp => new RegExp(`^${stem}(-\\d+)?${ending}$`);

test("without a mask there is nothing to download but the workspace", async ({ alone: studio }) => {
  await studio.open(PICTURE);
  await studio.part("download").click();
  await expect(studio.part("download-coco")).toBeDisabled();
  await expect(studio.part("download-workspace")).toBeEnabled();
});

test("the mask PNG is the masks that are shown, white on black, in the picture's size", async ({ studio }) => {
  const [first, ...others] = await makeObjects(studio);
  if (first === undefined) throw new Error("There is no mask.");
  const { name, bytes } = await studio.download("mask");
  expect(name).toMatch(filesOf("table", "-mask.png"));
  expect(pngHeader(bytes)).toEqual({ width: 1280, height: 853, depth: 8, colour: 0 });
  const { data, width, height } = await pixelsOf(studio.page, bytes);
  const grey = Uint8Array.from({ length: width * height }, (_, at) => data[at * 4] ?? 0);
  expect([...new Set(grey)].sort((a, b) => a - b)).toEqual([0, 255]);
  const shown = unionOf(first, ...others);
  expect(grey.every((value, at) => (value === 255) === (shown.pixels[at] === 1))).toBe(true);
});

for (const [what, pictureFor, place] of [
  ["upright", () => Promise.resolve(PICTURE), [0.42, 0.3]],
  ["EXIF-turned", (studio: Studio) => quadrants(studio.page, 6), [0.31, 0.66]],
] as const) {
  test(`the cut-out is the picture where the mask is, and transparent elsewhere: ${what}`, async ({ studio }) => {
    const picture = await pictureFor(studio);
    await studio.open(picture);
    await studio.click(place);
    const mask = await studio.mask();
    const { name, bytes } = await studio.download("cutout");
    expect(name).toMatch(filesOf(picture.name.replace(".jpg", ""), "-cutout.png"));
    expect(pngHeader(bytes).colour).toBe(6);
    const cutout = await pixelsOf(studio.page, bytes);
    const [x, y, width, height] = boundsOf(mask);
    const [left, top] = [Math.max(x - 1, 0), Math.max(y - 1, 0)];
    expect(cutout.width).toBe(Math.min(x + width + 1, mask.width) - left);
    expect(cutout.height).toBe(Math.min(y + height + 1, mask.height) - top);
    const wanted = crop(mask, left, top, cutout.width, cutout.height);
    expect(iouOf(whereAlpha(cutout, 127), wanted)).toBeGreaterThan(0.98);

    const source = await pixelsOf(studio.page, picture.buffer, "image/jpeg");
    for (let at = 0; at < cutout.width * cutout.height; at += 97) {
      if (cutout.data[at * 4 + 3] !== 255) continue;
      const from = (top + Math.floor(at / cutout.width)) * source.width + left + (at % cutout.width);
      for (const channel of [0, 1, 2]) {
        const difference = (cutout.data[at * 4 + channel] ?? 0) - (source.data[from * 4 + channel] ?? 0);
        expect(Math.abs(difference)).toBeLessThan(3);
      }
    }
  });
}

interface CocoFile {
  images: { id: number; file_name: string; width: number; height: number }[];
  categories: { id: number; name: string }[];
  annotations: {
    id: number;
    image_id: number;
    category_id: number;
    segmentation: Rle;
    area: number;
    bbox: number[];
    iscrowd: number;
    predicted_iou: number;
  }[];
}

test("the COCO file's run lengths are the masks that are shown", async ({ studio }) => {
  const masks = await makeObjects(studio);
  await studio.part("object").first().hover();
  await studio.part("object-rename").first().click();
  await studio.part("object-name-field").fill("teapot");
  await studio.key("Enter");
  const { name, bytes } = await studio.download("coco");
  expect(name).toMatch(filesOf("table", "-coco.json"));
  const coco = JSON.parse(bytes.toString("utf8")) as CocoFile;
  const called: unknown = expect.stringMatching(filesOf("table", ".jpg"));
  expect(coco.images).toEqual([{ id: 1, file_name: called, width: 1280, height: 853 }]);
  expect(coco.categories.map((category) => category.name)).toEqual(["teapot", "object"]);
  expect(coco.annotations.map((annotation) => annotation.category_id)).toEqual([1, 2, 2]);
  coco.annotations.forEach((annotation, i) => {
    const decoded = decodeRle(annotation.segmentation);
    const shown = masks[i];
    if (shown === undefined) throw new Error("There are more annotations than masks.");
    expect(iouOf(decoded, shown)).toBe(1);
    expect(annotation.area).toBe(areaOf(shown));
    expect(annotation.bbox).toEqual(boundsOf(shown));
    expect(annotation.predicted_iou).toBeGreaterThan(0);
  });
});

test("Ctrl+S saves the COCO file", async ({ studio }) => {
  await studio.open(PICTURE);
  await studio.click([0.42, 0.3]);
  const [download] = await Promise.all([studio.page.waitForEvent("download"), studio.key("Control+s")]);
  expect(download.suggestedFilename()).toMatch(filesOf("table", "-coco.json"));
});

test("the menu can be used with keys alone", async ({ alone: studio }) => {
  await studio.open(samplePicture("table"));
  await studio.click([0.42, 0.3]);
  await studio.part("download").focus();
  await studio.key("Enter");
  await expect(studio.part("download-coco")).toBeFocused();
  await studio.key("ArrowUp");
  await expect(studio.part("download-workspace")).toBeFocused();
  await studio.key("ArrowDown");
  await expect(studio.part("download-coco")).toBeFocused();
  await studio.key("Escape");
  await expect(studio.part("download")).toBeFocused();
  await expect(studio.part("draft")).toHaveAttribute("data-status", "done");
});
