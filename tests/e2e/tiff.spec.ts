import type { PageSpec } from "../../web/tests/tiffs";
import { tiffOf } from "../../web/tests/tiffs";
import { areaOf, boundsOf } from "./page/masks";
import type { PictureFile } from "./page/pictures";
import { pixelsOf, QUADRANTS, samplePicture } from "./page/pictures";
import type { Studio } from "./page/studio";
import { expect, test } from "./page/test";
import { words } from "./page/words";

const [WIDTH, HEIGHT] = [320, 240];
const tiff = (name: string, pages: readonly PageSpec[]): PictureFile => ({
  name,
  mimeType: "image/tiff",
  buffer: tiffOf(pages),
});

/** A microscope's page: 12 of 16 bits, dark, with a bright disc of radius 40 about (x, 120). */
function disc(x: number): PageSpec {
  const values = new Uint16Array(WIDTH * HEIGHT);
  for (let i = 0; i < values.length; i++) {
    const inside = Math.hypot((i % WIDTH) + 0.5 - x, Math.floor(i / WIDTH) + 0.5 - HEIGHT / 2) < 40;
    values[i] = (inside ? 3000 : 400) + ((i * 7919) % 61);
  }
  return { width: WIDTH, height: HEIGHT, values, photometric: 1, deflate: true };
}

const [RED, GREEN, BLUE, YELLOW] = QUADRANTS.map((colour) =>
  [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16)),
);

/** Upright it is 320 x 240 with red, green, blue and yellow quarters, clockwise; stored as the orientation says. */
function turned(orientation: number): PageSpec {
  const lies = orientation >= 5;
  const [width, height] = lies ? [HEIGHT, WIDTH] : [WIDTH, HEIGHT];
  // Which edge of the upright picture the stored row 0 and column 0 are (TIFF 6.0, Orientation).
  const [row, column] = (
    [["top", "left"], ["top", "right"], ["bottom", "right"], ["bottom", "left"],
     ["left", "top"], ["right", "top"], ["right", "bottom"], ["left", "bottom"]] as const
  )[orientation - 1] ?? ["top", "left"]; // prettier-ignore
  const values = new Uint8Array(3 * width * height);
  for (let i = 0; i < width * height; i++) {
    const far = { [row]: Math.floor(i / width) >= height / 2, [column]: i % width >= width / 2 };
    const isRight = "left" in far ? far.left : far["right"] === false;
    const isBelow = "top" in far ? far.top : far["bottom"] === false;
    values.set((isBelow ? (isRight ? BLUE : YELLOW) : isRight ? GREEN : RED) ?? [], 3 * i);
  }
  return { width, height, values, photometric: 2, tags: { 274: [orientation] } };
}

/** The colours that are seen in the middles of the four quarters, clockwise. */
async function seen(studio: Studio): Promise<number[][]> {
  const colours: number[][] = [];
  for (const place of [[0.25, 0.25], [0.75, 0.25], [0.75, 0.75], [0.25, 0.75]] as const) {
    const { x, y } = await studio.spot(place);
    const { data } = await pixelsOf(studio.page, await studio.page.screenshot({ clip: { x, y, width: 1, height: 1 } }));
    colours.push([...data.slice(0, 3)]);
  }
  return colours;
} // prettier-ignore

test("a stack of 16-bit pages is opened page by page, and its cells are clicked", async ({ alone: studio }) => {
  await studio.choose(tiff("cells.tif", [disc(80), disc(160), disc(240)]));
  await expect(studio.part("strip-entry")).toHaveCount(3);
  await expect(studio.part("picture-name")).toContainText("cells-1.png");
  await studio.ready();
  await studio.key("d");
  await expect(studio.part("picture-name")).toContainText("cells-2.png");
  await studio.ready();
  await studio.click([0.5, 0.5]);
  const mask = await studio.mask();
  expect(areaOf(mask) / (Math.PI * 40 ** 2)).toBeGreaterThan(0.9);
  expect(areaOf(mask) / (Math.PI * 40 ** 2)).toBeLessThan(1.1);
  expect(Math.abs(boundsOf(mask)[0] - 120)).toBeLessThan(6);
  await studio.key("Enter");
  await expect(studio.part("object")).toHaveCount(1);

  await test.step("a reload has the pages again, and the object", async () => {
    await studio.page.reload();
    await expect(studio.part("strip-entry")).toHaveCount(3);
    await expect(studio.part("object")).toHaveCount(1);
  });
});

test("pages are turned upright, all eight ways", async ({ alone: studio }) => {
  const pages = [1, 2, 3, 4, 5, 6, 7, 8].map(turned);
  await studio.choose(tiff("turned.tif", pages));
  await expect(studio.part("strip-entry")).toHaveCount(8);
  for (const at of pages.keys()) {
    if (at > 0) await studio.key("d");
    await expect(studio.part("picture-name")).toContainText(`turned-${at + 1}.png`);
    await studio.ready();
    expect(await studio.size()).toEqual({ width: WIDTH, height: HEIGHT });
    await expect.poll(() => seen(studio), `orientation ${at + 1}`).toEqual([RED, GREEN, BLUE, YELLOW]);
  }
});

test("a single page keeps its name; what cannot be read is named, page by page, and the rest is opened", async ({
  alone: studio,
}) => {
  const fax = { ...disc(80), tags: { 259: [4] } };
  const files = [
    tiff("a.tiff", [disc(80)]),
    tiff("b.tif", [disc(80), fax, disc(160)]),
    tiff("c.tif", [fax]),
    { ...samplePicture("desk"), name: "d.tif" }, // a JPEG under that name is a JPEG
  ];
  await studio.part("file-input").setInputFiles(files);
  await expect(studio.part("strip-entry")).toHaveCount(4);
  await expect(studio.part("picture-name")).toContainText("a.tiff");
  const notice = studio.notice("tiff_unreadable");
  await expect(notice).toContainText(words("tiff.page", { name: "b.tif", page: 2 }));
  await expect(notice).toContainText(words("tiff.page", { name: "c.tif", page: 1 }));
  await studio.ready();
  for (const name of ["b-1.png", "b-3.png", "d.tif"]) {
    await studio.key("d");
    await expect(studio.part("picture-name")).toContainText(name);
    await studio.ready();
  }
});

test("pages that come while one works on another picture wait in the strip", async ({ alone: studio }) => {
  await studio.open(samplePicture("table"));
  await studio.choose(manyPages(20));
  await studio.click([0.42, 0.3]);
  await expect(studio.part("strip-entry")).toHaveCount(21, { timeout: 60_000 });
  await expect(studio.part("job")).toBeHidden();
  await expect(studio.part("picture-name")).toContainText("table.jpg");
  await expect(studio.part("draft")).toHaveAttribute("data-status", "done");
});

test("reading many pages shows how far it is, and can be stopped", async ({ alone: studio }) => {
  await studio.choose(manyPages(60));
  await expect(studio.part("job").getByRole("progressbar")).toHaveAttribute("value", /^0\.[1-9]/);
  await studio.part("job-stop").click();
  await expect(studio.part("job")).toBeHidden();
  await expect(studio.part("choose-picture")).toBeVisible();
});

/** Pages of nearly two megapixels, which take a moment each. */
function manyPages(count: number): PictureFile {
  const [width, height] = [1600, 1200];
  const page = { width, height, values: new Uint8Array(3 * width * height).fill(90), photometric: 2, deflate: true };
  return tiff(
    "many.tif",
    Array.from({ length: count }, () => page),
  );
}
