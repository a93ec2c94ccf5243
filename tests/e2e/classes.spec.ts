import { expect, test } from "./page/test";
import { makeObject, openAll } from "./page/work";
import { words } from "./page/words";

test("classes are renamed, coloured and taken away, in all pictures", async ({ alone: studio }) => {
  await openAll(studio);
  const add = async (name: string): Promise<void> => {
    await studio.part("next-label").selectOption({ label: words("label.new") });
    await studio.part("next-label-field").fill(name);
    await studio.key("Enter");
  };
  await add("cup");
  await makeObject(studio, [0.4, 0.5]);
  await add("plate");
  await studio.key("d");
  await studio.ready();
  await makeObject(studio, [0.5, 0.5]);

  await studio.part("classes-edit").click();
  await expect(studio.part("class")).toHaveCount(2);
  await expect(studio.part("class").first()).toContainText("1");
  const field = studio.part("class-name").first();
  await field.fill("mug");
  await studio.key("Enter");
  await expect(studio.part("announcer")).toContainText(words("announce.class.renamed", { name: "cup", to: "mug" }));
  const colour = studio.part("class-colour").first();
  const before = await colour.evaluate((button) => getComputedStyle(button).backgroundColor);
  await colour.click();
  await expect.poll(() => colour.evaluate((button) => getComputedStyle(button).backgroundColor)).not.toBe(before);
  await studio.part("class-name").last().fill("gone again");
  await studio.key("Escape");
  await expect(studio.part("class-name").last()).toHaveValue("plate");

  const asked: string[] = [];
  studio.page.on("dialog", (dialog) => {
    asked.push(dialog.message());
    void dialog.accept();
  });
  await studio.part("class-remove").last().click();
  await expect(studio.part("class")).toHaveCount(1);
  expect(asked).toEqual([words("classes.remove.sure", { name: "plate", count: 1 })]);
  await expect(studio.part("object-label")).toHaveValue("");
  await studio.key("a");
  await studio.ready();
  await expect(studio.part("object-label")).toHaveValue("mug");

  await test.step("it is all there after a reload", async () => {
    await studio.page.reload();
    await studio.ready();
    await expect(studio.part("object-label")).toHaveValue("mug");
    await studio.part("classes-edit").click();
    await expect(studio.part("class-name")).toHaveCount(1);
  });

  await test.step("a picture on which something was begun is not taken away without a question", async () => {
    await studio.key("d");
    await studio.key("d");
    await studio.ready();
    await studio.click([0.5, 0.5]);
    await studio.part("strip-remove").last().click({ force: true });
    await expect(studio.part("strip-entry")).toHaveCount(2);
    expect(asked.at(-1)).toMatch(new RegExp(words("strip.remove.begun", { name: ".*" }).replace("?", "\\?")));
  });
});

test("by finger, pictures are taken away from the strip only where the button is seen", async ({
  browser,
  baseURL,
}) => {
  const context = await browser.newContext({ baseURL: baseURL ?? "", hasTouch: true, isMobile: true });
  const page = await context.newPage();
  await page.setViewportSize({ width: 400, height: 800 });
  await page.goto("/");
  await page.getByTestId("choose-picture").waitFor();
  const file = (name: string): { name: string; mimeType: string; buffer: Buffer } => ({
    name,
    mimeType: "image/bmp",
    buffer: blackPicture(),
  });
  await page.getByTestId("file-input").setInputFiles([file("a.bmp"), file("b.bmp"), file("c.bmp")]);
  await expect(page.getByTestId("strip-entry")).toHaveCount(3);
  const remove = page.getByTestId("strip-remove");
  await expect(remove.nth(0)).toBeVisible();
  await expect(remove.nth(1)).toBeHidden();
  await page
    .getByTestId("strip-entry")
    .nth(1)
    .tap({ position: { x: 55, y: 5 } }); // where the button would be
  await expect(page.getByTestId("strip-entry")).toHaveCount(3);
  await expect(remove.nth(1)).toBeVisible();
  await remove.nth(1).tap();
  await expect(page.getByTestId("strip-entry")).toHaveCount(2);
  await context.close();
});

/** A BMP of 8 x 8 black pixels. */
function blackPicture(): Buffer {
  const [header, pixels] = [54, 8 * 8 * 3];
  const bmp = Buffer.alloc(header + pixels);
  bmp.write("BM");
  bmp.writeUInt32LE(bmp.length, 2);
  bmp.writeUInt32LE(header, 10);
  bmp.writeUInt32LE(40, 14);
  bmp.writeInt32LE(8, 18);
  bmp.writeInt32LE(8, 22);
  bmp.writeUInt16LE(1, 26);
  bmp.writeUInt16LE(24, 28);
  return bmp;
}
