import type { PictureFile } from "./page/pictures";
import { pixelsOf, quadrants, QUADRANTS, samplePicture } from "./page/pictures";
import type { Studio } from "./page/studio";
import { expect, test } from "./page/test";

async function firstMask(studio: Studio): Promise<void> {
  await studio.click([0.45, 0.55]);
  const { width, height } = await studio.size();
  expect((await studio.rle()).size).toEqual([height, width]);
  expect(await studio.see("scores")).toHaveLength(3);
  await expect(studio.part("score")).toContainText(/0\.\d\d/);
}

/** Drops or pastes a file, as the browser reports it to the page. */
async function hand(studio: Studio, file: PictureFile, how: "drop" | "paste"): Promise<void> {
  await studio.page.evaluate(
    ([base64, name, type, kind]) => {
      const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
      const data = new DataTransfer();
      data.items.add(new File([bytes], name, { type }));
      const options = { bubbles: true, cancelable: true };
      if (kind === "paste") {
        document.body.dispatchEvent(new ClipboardEvent("paste", { ...options, clipboardData: data }));
      } else {
        document.body.dispatchEvent(new DragEvent("drop", { ...options, dataTransfer: data }));
      }
    },
    [file.buffer.toString("base64"), file.name, file.mimeType, how] as const,
  );
}

test("a sample opens from the empty page, with its progress shown, and a click gives a mask", async ({ fresh }) => {
  await fresh.visit();
  await expect(fresh.part("sample")).toHaveCount(3);
  await fresh.part("sample").first().click();
  await fresh.ready();
  const { phases } = await fresh.recorded();
  expect(phases).toContain("encoding");
  expect(phases).toContain("fetching");
  await expect(fresh.part("phase")).toBeHidden();
  await expect(fresh.part("engine-badge")).toHaveAttribute("data-backend", /wasm|webgpu/);
  await firstMask(fresh);
  await expect(fresh.part("engine-ms")).toContainText("ms");
});

test("the picker's file is uploaded, and a click gives a mask", async ({ studio }) => {
  const uploads = studio.watch.count("POST /v1/images");
  await studio.open(samplePicture("table"));
  expect(studio.watch.count("POST /v1/images")).toBe(uploads + 1);
  await firstMask(studio);
});

test("the button opens the browser's own picker", async ({ studio }) => {
  await studio.open(samplePicture("table"));
  const chooser = studio.page.waitForEvent("filechooser");
  await studio.part("command-open").click();
  await (await chooser).setFiles({ ...samplePicture("desk") });
  await expect(studio.part("picture-name")).toContainText("desk.jpg");
  await studio.ready();
});

test("a dropped picture opens, and the page says so while it hangs above it", async ({ studio }) => {
  await studio.open(samplePicture("table"));
  await studio.page.evaluate(() => document.body.dispatchEvent(new DragEvent("dragenter", { bubbles: true })));
  await expect(studio.part("drop-veil")).toBeVisible();
  await hand(studio, samplePicture("garden"), "drop");
  await expect(studio.part("drop-veil")).toBeHidden();
  await expect(studio.part("picture-name")).toContainText("garden.jpg");
  await studio.ready();
  await firstMask(studio);
});

test("a pasted picture opens", async ({ studio }) => {
  await studio.open(samplePicture("table"));
  await hand(studio, samplePicture("desk"), "paste");
  await expect(studio.part("picture-name")).toContainText("desk.jpg");
  await studio.ready();
  await firstMask(studio);
});

test("of two pictures opened in a hurry the later one stays", async ({ studio }) => {
  await studio.open(samplePicture("garden"));
  const later = await studio.see("imageId");
  await studio.open(samplePicture("table"));
  await studio.choose(samplePicture("desk"));
  await studio.choose(samplePicture("garden"));
  await studio.ready();
  await expect(studio.part("picture-name")).toContainText("garden.jpg");
  expect(await studio.see("imageId")).toBe(later);
  expect(await studio.size()).toEqual({ width: 853, height: 1280 });
  await firstMask(studio);
});

test("a click before the picture is ready is remembered and answered", async ({ fresh }) => {
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  await fresh.page.route("**/embedding*", async (route) => {
    await held;
    await route.continue();
  });
  await fresh.visit();
  await fresh.choose(samplePicture("table"));
  await expect.poll(() => fresh.see("phase")).toBe("fetching");
  await fresh.press([0.4, 0.3]);
  await expect(fresh.part("phase")).toContainText("remembered");
  expect(await fresh.see("busy")).toBe(true);
  release();
  await fresh.ready();
  await fresh.settled();
  expect(await fresh.see("scores")).toHaveLength(3);
});

for (const orientation of [6, 5, 3]) {
  test(`a photo with EXIF orientation ${orientation} is shown upright`, async ({ studio }) => {
    await studio.open(await quadrants(studio.page, orientation));
    expect(await studio.size()).toEqual({ width: 480, height: 320 });
    const shot = await pixelsOf(studio.page, await studio.page.screenshot());
    const middles = [[0.25, 0.1], [0.75, 0.25], [0.75, 0.75], [0.05, 0.9]] as const; // prettier-ignore
    for (const [i, middle] of middles.entries()) {
      const { x, y } = await studio.spot(middle);
      const pixel = shot.data.subarray((y * shot.width + x) * 4, (y * shot.width + x) * 4 + 3);
      const wanted = Buffer.from((QUADRANTS[i] ?? "").slice(1), "hex");
      wanted.forEach((value, channel) => expect(Math.abs(value - (pixel[channel] ?? 0))).toBeLessThan(16));
    }
    await firstMask(studio);
  });
}
