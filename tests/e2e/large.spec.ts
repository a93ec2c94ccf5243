import { Buffer } from "node:buffer";
import type { Page } from "@playwright/test";
import { areaOf, boundsOf } from "./page/masks";
import type { PictureFile } from "./page/pictures";
import { pixelsOf } from "./page/pictures";
import { expect, test } from "./page/test";

const [WIDTH, HEIGHT] = [9000, 6700];
/** Where lines of one pixel lie: seen small they are grey, from near black and white. */
const LINES = { x: 4000, y: 3000, side: 512 };

/** 60 megapixels with a red disc, and with lines that only the full resolution has. */
async function largePicture(page: Page): Promise<PictureFile> {
  const base64 = await page.evaluate(
    async ([width, height, { x, y, side }]) => {
      const canvas = new OffscreenCanvas(width, height);
      const paint = canvas.getContext("2d");
      if (paint === null) throw new Error("The browser gives no 2D canvas.");
      paint.fillStyle = "#4a7a50";
      paint.fillRect(0, 0, width, height);
      paint.fillStyle = "#d02020";
      paint.arc(2500, 2500, 1200, 0, 2 * Math.PI);
      paint.fill();
      paint.fillStyle = "#fff";
      paint.fillRect(x, y, side, side);
      paint.fillStyle = "#000";
      for (let line = 0; line < side; line += 2) paint.fillRect(x + line, y, 1, side);
      const bytes = new Uint8Array(
        await (await canvas.convertToBlob({ type: "image/jpeg", quality: 0.95 })).arrayBuffer(),
      );
      let text = "";
      for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
      return btoa(text);
    },
    [WIDTH, HEIGHT, LINES] as const,
  );
  return { name: "large.jpg", mimeType: "image/jpeg", buffer: Buffer.from(base64, "base64") };
}

test("a picture of 60 megapixels: shown small, sharp from near, its mask as large as itself", async ({
  alone: studio,
}) => {
  test.setTimeout(180_000);
  const picture = await largePicture(studio.page);
  await studio.open(picture);
  expect((await studio.see("shown"))?.width).toBe(4096);
  await studio.click([2500 / WIDTH, 2500 / HEIGHT]);
  expect((await studio.rle()).size).toEqual([HEIGHT, WIDTH]);
  const [x, y, width, height] = boundsOf(await studio.mask());
  for (const [found, wanted] of [
    [x, 1300],
    [y, 1300],
    [width, 2400],
    [height, 2400],
  ] as const) {
    expect(Math.abs(found - wanted)).toBeLessThan(120); // a cell of the mask is 9000 / 120 pixels wide
  }
  await studio.key("Enter");

  await test.step("the interactive model reads it too, and mends at the picture's own size", async () => {
    await studio.part("clicking-interactive").click();
    await studio.click([2500 / WIDTH, 2500 / HEIGHT]);
    const disc = Math.PI * 1200 ** 2;
    const share = async (): Promise<number> => areaOf(await studio.mask()) / disc;
    expect((await studio.rle()).size).toEqual([HEIGHT, WIDTH]);
    expect(Math.abs((await share()) - 1)).toBeLessThan(0.05);
    await studio.click([5200 / WIDTH, 5600 / HEIGHT], { button: "right" }); // far from the disc
    expect(Math.abs((await share()) - 1)).toBeLessThan(0.05);
    await studio.key("Escape");
    await studio.part("clicking-refine").click();
  });

  await test.step("from near, what is in sight is decoded by itself", async () => {
    const middle = await studio.spot([(LINES.x + 256) / WIDTH, (LINES.y + 256) / HEIGHT]);
    await studio.page.mouse.move(middle.x, middle.y);
    for (let i = 0; i < 9; i++) await studio.page.mouse.wheel(0, -240);
    await expect.poll(async () => (await studio.see("camera")).zoom).toBeGreaterThan(2);
    await expect.poll(async () => (await studio.see("shown"))?.detail ?? null).not.toBeNull();
    await studio.page.mouse.move(2, 2);
    const { x: left, y: top } = await studio.spot([(LINES.x + 256) / WIDTH, (LINES.y + 256) / HEIGHT]);
    const clip = { x: left - 20, y: top - 4, width: 40, height: 8 };
    await expect
      .poll(async () => {
        const { data } = await pixelsOf(studio.page, await studio.page.screenshot({ clip }));
        const reds = data.filter((_, at) => at % 4 === 0);
        return Math.max(...reds) - Math.min(...reds);
      })
      .toBeGreaterThan(150);
  });

  await test.step("a part of it is encoded by itself, in its own pixels", async () => {
    await expect(studio.part("region-chip")).toBeVisible();
    await studio.key("z");
    await expect(studio.part("region-chip")).toHaveAttribute("data-active", "true");
    await studio.ready();
  });
});
