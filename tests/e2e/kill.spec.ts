import { iouOf } from "./page/masks";
import { OwnServer } from "./page/own-server";
import { samplePicture } from "./page/pictures";
import { Studio } from "./page/studio";
import { expect, test } from "./page/test";
import { LOCALE } from "./page/words";

const [TABLE, DESK, GARDEN] = [samplePicture("table"), samplePicture("desk"), samplePicture("garden")];

test("the server is killed in the middle of everything, and everything goes on", async ({ browser }) => {
  test.setTimeout(240_000);
  const server = await OwnServer.make();
  const context = await browser.newContext({
    baseURL: server.url,
    viewport: { width: 1280, height: 800 },
    locale: LOCALE,
  });
  const studio = await Studio.on(await context.newPage(), server.url);
  studio.watch.allowErrors(/Failed to load resource/);
  try {
    await studio.visit();
    await studio.open(TABLE);
    await studio.click([0.42, 0.3]);
    await studio.key("Enter");
    const first = await studio.mask();

    await test.step("between clicks: they are answered, accepted, undone and downloaded without it", async () => {
      await server.kill();
      await studio.click([0.84, 0.73]);
      await studio.key("Enter");
      expect(await studio.see("objects")).toBe(2);
      await studio.key("Control+z");
      await studio.key("Control+z");
      expect(await studio.see("objects")).toBe(1);
      await studio.settled();
      expect((await studio.download("coco")).bytes.length).toBeGreaterThan(100);
      await studio.key("Escape");
    });

    await test.step("while pictures are sent: they wait, and are encoded when it is back", async () => {
      await studio.part("file-input").setInputFiles([DESK, GARDEN].map((file) => ({ ...file })));
      await expect(studio.part("strip-entry")).toHaveCount(3);
      await expect(studio.notice("unreachable")).toBeVisible();
      await studio.part("strip-entry").first().click(); // what was encoded is there at once
      await studio.ready();
      expect(iouOf(await studio.mask(), first)).toBe(1);
      await studio.part("strip-entry").nth(1).click();
      await expect(studio.part("picture-name")).toContainText("desk.jpg");
      await server.start();
      await studio.ready();
      await studio.click([0.42, 0.6]);
      await studio.key("Enter");
    });

    await test.step("in the middle of an encode: it is asked for again", async () => {
      await studio.part("strip-entry").nth(2).click();
      await server.kill();
      await server.start();
      await studio.ready();
      await expect(studio.part("picture-name")).toContainText("garden.jpg");
      await studio.click([0.5, 0.5]);
    });

    await test.step("a server that knows nothing any more takes the pictures anew", async () => {
      await server.kill();
      await server.start();
      await studio.page.reload();
      await studio.ready();
      expect(await studio.see("pictures")).toBe(3);
      await studio.part("strip-entry").first().click();
      await studio.ready();
      expect(await studio.see("objects")).toBe(1);
      await studio.settled();
      expect(iouOf(await studio.mask(), first)).toBe(1);
    });
    studio.watch.expectQuiet();
  } finally {
    await context.close();
    await server.kill();
  }
});
