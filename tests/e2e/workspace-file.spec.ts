import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";
import { decodeRle, iouOf } from "./page/masks";
import { samplePicture } from "./page/pictures";
import { Studio } from "./page/studio";
import { expect, test } from "./page/test";
import { LOCALE } from "./page/words";

const [TABLE, DESK] = [samplePicture("table"), samplePicture("desk")];

async function packed(studio: Studio): Promise<{ name: string; mimeType: string; buffer: Buffer }> {
  await studio.part("download").click();
  const [download] = await Promise.all([
    studio.page.waitForEvent("download"),
    studio.part("download-workspace").click(),
  ]);
  await expect(studio.part("job")).toHaveCount(0);
  return {
    name: download.suggestedFilename(),
    mimeType: "application/zip",
    buffer: readFileSync(await download.path()),
  };
}

test("a workspace goes to another browser in one file: pictures, masks and undo, and no model is asked", async ({
  alone: studio,
  browser,
  baseURL,
}) => {
  await studio.part("file-input").setInputFiles([TABLE, DESK].map((file) => ({ ...file })));
  await expect(studio.part("strip-entry")).toHaveCount(2);
  await studio.ready();
  await studio.click([0.42, 0.5]);
  await studio.key("Enter");
  await studio.click([0.7, 0.4]);
  const [made, draft] = [await studio.page.evaluate(() => window.__segserve.objectMask(0)), await studio.mask()];
  const file = await packed(studio);
  expect(file.name).toMatch(/^segserve-workspace-\d{4}-\d\d-\d\d\.zip$/);

  const context = await browser.newContext({
    baseURL: baseURL ?? "",
    viewport: { width: 1280, height: 800 },
    locale: LOCALE,
  });
  const other = await Studio.on(await context.newPage(), baseURL ?? "");
  await other.visit();
  await other.part("file-input").setInputFiles(file);
  await expect(other.part("strip-entry")).toHaveCount(2);
  await other.ready();
  await expect(other.part("picture-name")).toContainText("desk.jpg");
  expect(await other.see("objects")).toBe(1);
  await other.settled();
  const there = await other.page.evaluate(() => window.__segserve.objectMask(0));
  if (there === null || made === null) throw new Error("There is no mask.");
  expect(iouOf(decodeRle(there), decodeRle(made))).toBe(1);
  expect(iouOf(await other.mask(), draft)).toBe(1);
  expect((await other.recorded()).tasks.filter((task) => task === "decode")).toEqual([]);
  await other.key("Control+z");
  await other.key("Control+z");
  expect(await other.see("objects")).toBe(0);
  await other.key("Control+Shift+z");
  expect(await other.see("objects")).toBe(1);

  await test.step("a second time it comes behind what is there, and outlives a reload", async () => {
    await other.part("file-input").setInputFiles(file);
    await expect(other.part("strip-entry")).toHaveCount(4);
    await other.page.waitForTimeout(800); // changes are gathered for a moment before they are written
    await other.page.reload();
    await expect(other.part("strip-entry")).toHaveCount(4);
    await other.part("strip-entry").nth(2).click();
    await other.ready();
    await expect(other.part("picture-name")).toContainText("desk.jpg");
    expect(await other.see("objects")).toBe(1);
  });

  await test.step("a damaged one changes nothing, and says so", async () => {
    const buffer = Buffer.from(file.buffer);
    buffer[buffer.length >> 1] = (buffer[buffer.length >> 1] ?? 0) ^ 0x55;
    await other.part("file-input").setInputFiles({ ...file, buffer });
    await expect(other.notice("workspace_damaged")).toBeVisible();
    await expect(other.part("strip-entry")).toHaveCount(4);
  });
  other.watch.expectQuiet();
  await context.close();
});
