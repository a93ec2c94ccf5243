import { samplePicture } from "./page/pictures";
import { expect, test } from "./page/test";

test("once the picture is ready, nothing that a person does makes a request", async ({ studio }) => {
  await studio.open(samplePicture("desk"));
  const before = studio.watch.requests.length;
  await test.step("hover", async () => {
    const { x, y } = await studio.spot([0.4, 0.55]);
    await studio.page.mouse.move(x - 40, y);
    await studio.page.mouse.move(x, y);
    await expect.poll(() => studio.see("hovering")).toBe(true);
    await studio.page.mouse.move(2, 2);
    await expect.poll(() => studio.see("hovering")).toBe(false);
  });
  await test.step("clicks and a box", async () => {
    await studio.click([0.42, 0.6]);
    await studio.click([0.5, 0.55]);
    await studio.click([0.3, 0.3], { button: "right" });
    await studio.key("Enter");
    await studio.dragBox([0.55, 0.65], [0.7, 0.9]);
    await studio.click([0.6, 0.6], { shift: true });
    await studio.key("Enter");
  });
  await test.step("undo, redo, candidates, refining", async () => {
    await studio.click([0.8, 0.4]);
    await studio.key("2");
    await studio.key("Control+z");
    await studio.key("Control+Shift+z");
    await studio.key("Escape");
    await studio.part("object-select").first().click();
    await studio.click([0.45, 0.5]);
    await studio.key("Enter");
  });
  await test.step("zoom, pan, keys, downloads", async () => {
    await studio.page.mouse.wheel(0, -240);
    await studio.key("f");
    await studio.key("?");
    await studio.key("Escape");
    await studio.download("coco");
    await studio.download("mask");
    await studio.download("cutout");
  });
  expect(studio.watch.requests.slice(before)).toEqual([]);
});

test("a loaded picture goes on answering while the server is away", async ({ fresh }) => {
  await fresh.visit();
  await fresh.open(samplePicture("table"));
  await fresh.page.route("**/*", (route) => route.abort("internetdisconnected"));
  await fresh.click([0.42, 0.3]);
  await fresh.click([0.3, 0.27], { button: "right" });
  expect((await fresh.rle()).size).toEqual([853, 1280]);
  await expect(fresh.part("notice")).toHaveCount(0);
});
