import { iouOf } from "./page/masks";
import { Studio } from "./page/studio";
import { expect, test } from "./page/test";
import { handOver, makeObject, openAll, TABLE } from "./page/work";

test.describe("nothing is lost", () => {
  test("a reload comes back with pictures, objects and undo, and asks the model nothing", async ({ alone: studio }) => {
    await openAll(studio);
    await makeObject(studio, [0.4, 0.5]);
    await studio.click([0.6, 0.4]);
    const draft = await studio.mask();
    await studio.page.reload(); // within the moment in which changes are gathered
    await expect(studio.part("picture-name")).toContainText("desk.jpg");
    await studio.ready();
    expect(await studio.see("pictures")).toBe(3);
    expect(await studio.see("objects")).toBe(1);
    await studio.settled();
    expect(iouOf(await studio.mask(), draft)).toBe(1);
    const before = (await studio.recorded()).tasks.length;
    await studio.key("Control+z");
    await studio.key("Control+Shift+z");
    await studio.settled();
    expect(iouOf(await studio.mask(), draft)).toBe(1);
    expect(await studio.tasksAfter(before)).not.toContain("decode");
    await studio.click([0.3, 0.3]); // new work beside the old
    await studio.key("Control+z");
    await studio.settled();
    expect(iouOf(await studio.mask(), draft)).toBe(1);
  });
});

test("the workspace goes from tab to tab, and nothing that was done a moment before is lost", async ({
  alone: studio,
  baseURL,
}) => {
  await studio.open(TABLE);
  await makeObject(studio, [0.42, 0.3]);
  const other = await Studio.on(await studio.page.context().newPage(), baseURL ?? "");
  await other.visit();
  await handOver(studio, other);
  await studio.key("Control+z");
  for (let i = 0; i < 3; i++) await studio.key("Escape"); // browsers let only the first one be prevented
  await expect(studio.part("yielded")).toBeVisible();
  await expect(studio.part("take-over")).toBeEnabled();
  expect(await studio.see("objects")).toBe(2);
  await other.key("Control+z");
  await Promise.all([studio.page.waitForEvent("load"), studio.part("take-over").click()]);
  await studio.ready();
  expect(await studio.see("objects")).toBe(1);
  await expect(other.part("yielded")).toBeVisible();
  other.watch.expectQuiet();
});
